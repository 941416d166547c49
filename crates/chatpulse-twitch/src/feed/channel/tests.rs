use chatpulse_testkit::builders as build;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn bot() -> ChatterId {
    build::user("7").chatter()
}

fn other_bot() -> ChatterId {
    build::user("8").chatter()
}

fn id(text: &str) -> SubscriptionId {
    SubscriptionId::new(text).unwrap()
}

fn read(bot: ChatterId, served: Served) -> Event {
    Event::Read { bot, served }
}

/// An overlay opened here a moment ago.
fn wanted(now: Instant) -> Channel {
    let mut channel = Channel::unwanted(None, now);
    channel.apply(read(bot(), Served::Here), now);
    channel
}

fn subscribed(now: Instant) -> Channel {
    let mut channel = wanted(now);
    channel.apply(Event::Subscribed(id("sub-1")), now);
    channel
}

fn refused(now: Instant) -> Channel {
    let mut channel = wanted(now);
    channel.apply(Event::NotSubscribed(Failure::Refused), now);
    channel
}

fn subscribe() -> Action {
    Action::Subscribe { bot: bot() }
}

#[test]
fn a_chat_that_is_wanted_is_requested_once_and_then_read() {
    let now = Instant::now();
    let mut channel = wanted(now);
    assert_eq!(channel.state(true), Some(ChatState::Connecting));
    assert_eq!(channel.action(false, now), Some(subscribe()));
    assert_eq!(channel.apply(Event::Subscribed(id("sub-1")), now), None);
    assert_eq!((channel.due_at(), channel.action(true, now)), (None, None));
    assert_eq!(channel.state(true), Some(ChatState::Reading));
    assert_eq!(channel.state(false), Some(ChatState::Connecting), "Twitch delivers to no shard of ours");
}

#[test]
fn what_another_instance_may_have_subscribed_is_looked_up_first() {
    let now = Instant::now();
    for (recorded, expected) in [(None, Some(subscribe())), (Some(id("sub-1")), None)] {
        let mut channel = Channel::as_recorded(now);
        channel.apply(read(bot(), Served::Somewhere), now);
        assert_eq!(channel.action(false, now), Some(Action::LookUpRecord));
        assert_eq!(channel.state(true), None, "the record knows");
        assert_eq!(channel.state(false), Some(ChatState::Connecting));
        channel.apply(Event::Recorded(recorded), now);
        assert_eq!(channel.action(false, now), expected);
    }
}

#[test]
fn a_change_at_another_instance_makes_it_look_up_the_record_again() {
    let now = Instant::now();
    for event in [Event::Changed, read(bot(), Served::Somewhere)] {
        let mut channel = subscribed(now);
        channel.apply(event, now);
        assert_eq!(channel.action(false, now), Some(Action::LookUpRecord));
    }
    let mut channel = wanted(now);
    channel.apply(Event::Changed, now);
    assert_eq!(channel.action(false, now), Some(subscribe()), "nothing to look up yet");
}

#[test]
fn a_record_that_cannot_be_read_is_looked_up_again_a_little_later() {
    let now = Instant::now();
    let mut channel = Channel::as_recorded(now);
    channel.apply(read(bot(), Served::Somewhere), now);
    channel.apply(Event::RecordUnavailable, now);
    let at = channel.due_at().unwrap();
    assert!(now + SECOND / 2 <= at && at <= now + SECOND);
    assert_eq!(channel.action(true, at), Some(Action::LookUpRecord));
}

#[test]
fn a_late_answer_about_the_record_changes_nothing() {
    let now = Instant::now();
    let mut channel = refused(now);
    channel.apply(Event::Recorded(Some(id("sub-1"))), now);
    channel.apply(Event::RecordUnavailable, now);
    assert!(channel.is_refused());
}

#[test]
fn only_the_leader_makes_twitch_stop() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(Event::Stop, now);
    assert_eq!(channel.state(true), None);
    assert_eq!(channel.action(false, now), Some(Action::Forget));
    assert_eq!(channel.action(true, now), Some(Action::Unsubscribe(id("sub-1"))));
    channel.apply(Event::Unsubscribed, now);
    assert_eq!(channel.action(true, now), Some(Action::Forget));
}

#[test]
fn the_leader_stops_what_another_instance_subscribed() {
    let now = Instant::now();
    let mut channel = Channel::as_recorded(now);
    channel.apply(Event::Stop, now);
    assert_eq!(channel.action(false, now), Some(Action::Forget));
    assert_eq!(channel.action(true, now), Some(Action::LookUpRecord));
    channel.apply(Event::Recorded(Some(id("sub-1"))), now);
    assert_eq!(channel.action(true, now), Some(Action::Unsubscribe(id("sub-1"))));
    channel.apply(Event::Recorded(None), now);
    assert_eq!(
        channel.action(true, now),
        Some(Action::Unsubscribe(id("sub-1"))),
        "the late answer is ignored"
    );
}

#[test]
fn a_chat_that_was_never_subscribed_is_just_forgotten() {
    let now = Instant::now();
    let mut channel = wanted(now);
    channel.apply(Event::Stop, now);
    assert_eq!(channel.action(true, now), Some(Action::Forget));
}

#[test]
fn a_failed_stop_is_retried_until_the_chat_is_wanted_again() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(Event::Stop, now);
    channel.apply(Event::NotUnsubscribed, now);
    assert_eq!(channel.action(true, now), None);
    let at = channel.due_at().unwrap();
    assert!(now < at && at <= now + SECOND);
    assert_eq!(channel.action(true, at), Some(Action::Unsubscribe(id("sub-1"))));
    channel.apply(read(bot(), Served::Here), now);
    channel.apply(Event::NotUnsubscribed, now);
    assert_eq!(channel.state(true), Some(ChatState::Reading));
    assert_eq!(channel.due_at(), None);
}

#[test]
fn a_streamer_who_comes_back_while_twitch_stops_is_subscribed_again() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(Event::Stop, now);
    channel.apply(read(bot(), Served::Here), now);
    channel.apply(Event::Unsubscribed, now);
    assert_eq!(channel.action(true, now), Some(subscribe()));
}

#[test]
fn another_bot_subscribes_anew() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(read(other_bot(), Served::Here), now);
    assert_eq!(channel.action(false, now), Some(Action::Subscribe { bot: other_bot() }));
}

#[test]
fn retries_come_after_1_2_and_4_seconds_and_then_every_half_minute() {
    let mut now = Instant::now();
    let mut channel = wanted(now);
    for secs in [1, 2, 4, 30, 30] {
        channel.apply(Event::NotSubscribed(Failure::Temporary), now);
        assert_eq!(channel.action(true, now), None);
        let at = channel.due_at().unwrap();
        assert!(now + SECOND * secs / 2 <= at && at <= now + SECOND * secs, "{secs} s");
        assert_eq!(channel.action(true, at), Some(subscribe()));
        now = at;
    }
    channel.apply(Event::Subscribed(id("sub-1")), now);
    channel.apply(Event::Revoked { id: id("sub-1"), why: Revocation::Recreate }, now);
    channel.apply(Event::NotSubscribed(Failure::Temporary), now);
    assert!(channel.due_at().unwrap() <= now + SECOND, "success begins the retries anew");
}

#[test]
fn after_a_rate_limit_it_waits_as_long_as_everybody() {
    let now = Instant::now();
    let mut channel = wanted(now);
    channel.apply(Event::NotSubscribed(Failure::RateLimited(now + 30 * SECOND)), now);
    assert_eq!(channel.due_at(), Some(now + 30 * SECOND));
    assert_eq!(channel.state(true), Some(ChatState::Connecting));
}

#[test]
fn a_refusal_is_announced_and_retried_after_an_hour() {
    let now = Instant::now();
    let mut channel = wanted(now);
    assert_eq!(channel.apply(Event::NotSubscribed(Failure::Refused), now), Some(Change::Refused));
    assert_eq!(channel.state(true), Some(ChatState::NotAuthorized));
    assert_eq!(channel.action(true, now + REFUSED_FOR - SECOND), None);
    assert_eq!(channel.action(false, now + REFUSED_FOR), Some(subscribe()));
    assert_eq!(channel.apply(Event::Subscribed(id("sub-1")), now), Some(Change::Allowed));
}

#[test]
fn a_refusal_stays_until_twitch_says_otherwise_but_consent_and_a_new_overlay_retry_it_at_once() {
    let now = Instant::now();
    for event in [Event::Consent, read(bot(), Served::Here)] {
        let mut channel = refused(now);
        channel.apply(event, now);
        assert_eq!(channel.state(true), Some(ChatState::NotAuthorized));
        assert_eq!(channel.action(false, now), Some(subscribe()));
    }
    for event in [read(bot(), Served::Somewhere), Event::Changed, Event::RefusedElsewhere] {
        let mut channel = refused(now);
        channel.apply(event, now + SECOND);
        assert_eq!(channel.due_at(), Some(now + REFUSED_FOR));
    }
}

#[test]
fn a_refusal_of_a_chat_that_nobody_wants_is_kept_for_its_hour_or_until_consent() {
    let now = Instant::now();
    let mut channel = refused(now);
    channel.apply(Event::Stop, now);
    assert_eq!(channel.state(true), Some(ChatState::NotAuthorized));
    assert_eq!(channel.action(true, now), None);
    assert_eq!(channel.action(true, now + REFUSED_FOR), Some(Action::Forget));
    channel.apply(Event::Consent, now);
    assert_eq!(channel.state(true), None);
    assert_eq!(channel.action(true, now), Some(Action::Forget));
}

#[test]
fn consent_changes_nothing_where_nothing_was_refused() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(Event::Consent, now);
    assert_eq!(channel.state(true), Some(ChatState::Reading));
}

#[test]
fn a_refusal_at_another_instance_is_believed() {
    let now = Instant::now();
    for mut channel in [wanted(now), subscribed(now)] {
        channel.apply(Event::RefusedElsewhere, now);
        assert_eq!(channel.state(true), Some(ChatState::NotAuthorized));
        assert_eq!(channel.due_at(), Some(now + REFUSED_FOR));
    }
}

#[test]
fn a_revocation_is_recreated_or_waits_for_consent() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(Event::Revoked { id: id("sub-1"), why: Revocation::Recreate }, now);
    assert_eq!(channel.action(false, now), Some(subscribe()));
    let mut channel = subscribed(now);
    channel.apply(Event::Revoked { id: id("sub-1"), why: Revocation::NotAuthorized }, now);
    assert_eq!(
        (channel.state(true), channel.due_at()),
        (Some(ChatState::NotAuthorized), Some(now + REFUSED_FOR))
    );
}

#[test]
fn a_late_revocation_of_an_earlier_subscription_is_checked_soon() {
    let now = Instant::now();
    let mut channel = subscribed(now);
    channel.apply(Event::Revoked { id: id("sub-0"), why: Revocation::NotAuthorized }, now);
    assert_eq!(channel.state(true), Some(ChatState::NotAuthorized));
    assert_eq!(channel.due_at(), Some(now + CHECK_REFUSAL_AFTER));
}

#[test]
fn a_revocation_before_the_answer_to_our_request_counts() {
    let now = Instant::now();
    let reasons = [
        (Revocation::Recreate, ChatState::Connecting, now),
        (Revocation::NotAuthorized, ChatState::NotAuthorized, now + REFUSED_FOR),
    ];
    for (why, state, due_at) in reasons {
        let mut channel = wanted(now);
        // Repeated, as Twitch may.
        for _ in 0..2 {
            channel.apply(Event::Revoked { id: id("sub-1"), why }, now);
        }
        assert_eq!(channel.apply(Event::Subscribed(id("sub-1")), now), None);
        assert_eq!((channel.state(true), channel.due_at()), (Some(state), Some(due_at)), "{why:?}");
        // It counts once: the next subscription has another id.
        channel.apply(Event::Subscribed(id("sub-2")), now);
        assert_eq!(channel.state(true), Some(ChatState::Reading));
    }
}

#[test]
fn twitchs_list_is_believed() {
    let now = Instant::now();
    let live = || Some((id("sub-2"), bot()));
    for mut channel in [wanted(now), subscribed(now), refused(now), Channel::as_recorded(now)] {
        channel.apply(read(bot(), Served::Somewhere), now);
        channel.apply(Event::Listed(live()), now);
        assert_eq!(channel.progress, Progress::Subscribed(id("sub-2")));
    }
    let mut channel = subscribed(now);
    channel.apply(Event::Listed(Some((id("sub-2"), other_bot()))), now);
    assert_eq!(channel.action(false, now), Some(subscribe()), "of another bot");
    let mut channel = subscribed(now);
    channel.apply(Event::Listed(None), now);
    assert_eq!(channel.action(false, now), Some(subscribe()));
    let mut channel = refused(now);
    channel.apply(Event::Listed(None), now);
    assert!(channel.is_refused());
}

#[test]
fn a_refusal_of_a_chat_that_another_instance_reads_by_now_is_forgotten() {
    let now = Instant::now();
    let mut channel = Channel::unwanted(Some(bot()), now);
    channel.apply(Event::RefusedElsewhere, now);
    channel.apply(Event::Listed(Some((id("sub-1"), bot()))), now);
    assert_eq!(channel.action(true, now), Some(Action::Forget), "and it is not stopped");
}

#[test]
fn an_unknown_status_counts_as_one_that_can_be_recreated() {
    for status in ["authorization_revoked", "user_removed", "moderator_removed", "chat_user_banned"] {
        assert_eq!(Revocation::from_status(status), Revocation::NotAuthorized);
    }
    for status in ["version_removed", "notification_failures_exceeded", "brand_new", ""] {
        assert_eq!(Revocation::from_status(status), Revocation::Recreate);
    }
}
