//! The rules of a vote, without a store around them.

use proptest::prelude::*;

use super::*;
use crate::ids::{ChannelId, OverlayId, Platform};
use crate::overlay::{OverlaySettings, PauseState, SettingsVersion};
use crate::sentiment::DecaySpeed;
use crate::token_bucket::TokenBucket;
use crate::window::{Window, WindowSecs};

const AGE: Duration = Duration::from_secs(30);

/// How long a share until reset goes on counting.
const TWELVE_HOURS_MS: i64 = 43_200_000;

fn at(unix_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms)
}

fn instance(id: &str) -> InstanceId {
    InstanceId::new(id).unwrap()
}

fn momentum(per_second: f64) -> OverlaySettings {
    OverlaySettings { decay_speed: DecaySpeed::new(per_second).unwrap(), ..OverlaySettings::default() }
}

fn share(window: Window, one_vote_each: bool) -> OverlaySettings {
    OverlaySettings { mode: Mode::Share, one_vote_each, ..OverlaySettings::default() }.over(window)
}

fn last_ten_secs() -> Window {
    Window::Last(WindowSecs::new(10).unwrap())
}

fn versioned(settings: OverlaySettings, version: u64) -> VersionedSettings {
    VersionedSettings { settings, pause_state: PauseState::default(), version: SettingsVersion(version) }
}

fn seed(settings: OverlaySettings, version: u64) -> SessionSeed {
    SessionSeed {
        overlay: OverlayId::random(),
        broadcaster: ChannelId::new(Platform::Twitch, "1001").unwrap(),
        settings: versioned(settings, version),
    }
}

/// An overlay with a session since time 0, with settings of version 5.
fn open(settings: OverlaySettings) -> LiveOverlay {
    let mut overlay = LiveOverlay::default();
    overlay.attach(&seed(settings, 5), &instance("a"), 1, at(0));
    overlay
}

fn vote(chatter: u8, message: u32, side: Side) -> Vote {
    Vote {
        overlay: OverlayId::random(),
        chatter: ChatterId::new(Platform::Twitch, &format!("chatter-{chatter}")).unwrap(),
        message: MessageId::new(Platform::Twitch, &format!("message-{message}")).unwrap(),
        side,
    }
}

/// The value that a vote left; it must be applied.
fn applied(overlay: &mut LiveOverlay, vote: &Vote, now: Timestamp) -> f64 {
    match overlay.cast(vote, None, now) {
        VoteOutcome::Applied(sentiment) => sentiment.value(),
        refused => panic!("{refused:?} instead of applied"),
    }
}

fn value(overlay: &LiveOverlay, now: Timestamp) -> f64 {
    overlay.read(now).unwrap().after(Duration::ZERO).value()
}

fn tally(overlay: &LiveOverlay, now: Timestamp) -> (u64, u64) {
    let TallyReading { in_favor, against } = overlay.read(now).unwrap().tally.unwrap();
    (in_favor, against)
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn without_a_session_nothing_counts_and_no_vote_is_remembered() {
    let mut overlay = LiveOverlay::default();
    let early = vote(1, 1, Side::For);
    assert_eq!(overlay.cast(&early, None, at(0)), VoteOutcome::NoSession);
    assert_eq!(overlay.push(Side::For, at(0)), None);
    assert_eq!(overlay.read(at(0)), None);
    assert_eq!(overlay.activity(at(0)), None);
    assert!(!overlay.reset(at(0)));
    assert!(!overlay.put_settings(&versioned(OverlaySettings::default(), 9), at(0)));
    overlay.release(&instance("a"), at(0));
    assert_eq!(overlay.orphan(Duration::ZERO, at(0)), None);
    assert!(overlay.session().is_none() && overlay.attached_session().is_none());
    overlay.attach(&seed(momentum(0.5), 1), &instance("a"), 1, at(0));
    assert_close(applied(&mut overlay, &early, at(0)), 10.0);
}

#[test]
fn a_message_without_a_vote_is_new_once_in_ten_minutes() {
    let (mut overlay, command) = (LiveOverlay::default(), vote(1, 1, Side::For));
    assert!(overlay.note_seen(&command.message, at(0)));
    assert!(!overlay.note_seen(&command.message, at(599_999)));
    assert!(overlay.note_seen(&command.message, at(600_000)));
    overlay.attach(&seed(momentum(0.5), 1), &instance("a"), 1, at(600_000));
    assert_eq!(overlay.cast(&command, None, at(600_000)), VoteOutcome::Duplicate);
}

/// One chat vote some time after the last one, by one of a few chatters with one of a few message ids.
fn casts() -> impl Strategy<Value = Vec<(i64, u8, u32)>> {
    let edges = vec![0, 1, 999, 1_000, 1_001, 599_999, 600_000];
    let wait = prop_oneof![6 => 0_i64..2_500, 2 => prop::sample::select(edges)];
    prop::collection::vec((wait, 0_u8..5, 0_u32..60), 1..150)
}

proptest! {
    /// Each outcome follows from the list of all outcomes before it.
    #[test]
    fn each_refusal_has_its_reason(casts in casts(), capacity in 0_u32..5, per_minute in 0_u32..120) {
        let limit = BucketLimit::new(capacity, per_minute);
        let mut overlay = open(momentum(0.5));
        let mut log: Vec<(Timestamp, Vote, VoteOutcome)> = Vec::new();
        let (mut now, mut bucket) = (0, limit.map(|limit| TokenBucket::full(limit, at(0))));
        for (wait_ms, chatter, message) in casts {
            now += wait_ms;
            let (now, vote) = (at(now), vote(chatter, message, Side::For));
            let was_seen = log.iter().any(|(then, before, outcome)| {
                before.message == vote.message && *outcome != VoteOutcome::Duplicate && now.since(*then) < SEEN_FOR
            });
            let is_debounced = log.iter().any(|(then, before, outcome)| {
                let is_applied = matches!(outcome, VoteOutcome::Applied(_));
                before.chatter == vote.chatter && is_applied && now.since(*then) < DEBOUNCE
            });
            let outcome = overlay.cast(&vote, limit, now);
            if was_seen {
                prop_assert_eq!(outcome, VoteOutcome::Duplicate);
            } else if is_debounced {
                prop_assert_eq!(outcome, VoteOutcome::Debounced);
            } else {
                let left = limit.zip(bucket).map(|(limit, bucket)| bucket.refilled(limit, now).take());
                let is_limited = left == Some(None);
                prop_assert_eq!(outcome == VoteOutcome::RateLimited, is_limited);
                prop_assert_eq!(matches!(outcome, VoteOutcome::Applied(_)), !is_limited);
                bucket = left.flatten().or(bucket);
            }
            log.push((now, vote, outcome));
        }
        let last = at(now);
        let in_last_minute = |then: Timestamp| last.unix_ms / 1_000 - then.unix_ms / 1_000 < 60;
        let recent = log.iter().filter(|(then, ..)| in_last_minute(*then));
        let votes = recent.clone().filter(|(.., outcome)| matches!(outcome, VoteOutcome::Applied(_))).count();
        let limited = recent.clone().any(|(.., outcome)| *outcome == VoteOutcome::RateLimited);
        let applied = log.iter().rev().find(|(.., outcome)| matches!(outcome, VoteOutcome::Applied(_)));
        let activity = overlay.activity(last).unwrap();
        prop_assert_eq!(usize::try_from(activity.votes_last_minute), Ok(votes));
        prop_assert_eq!(activity.limited, limited);
        prop_assert_eq!(activity.last_vote_at, applied.map(|(then, ..)| *then));
    }

    /// Each vote is worth ten, less what it lost since at the speeds that were set meanwhile.
    #[test]
    fn momentum_is_the_sum_of_its_decayed_votes(
        steps in prop::collection::vec((0_u32..3_000, any::<bool>(), prop::option::of(0.1_f64..2.0)), 1..9),
    ) {
        let mut overlay = open(momentum(0.5));
        let (mut now, mut speed, mut version) = (0_i64, 0.5, 5);
        let mut votes: Vec<f64> = Vec::new();
        for (wait_ms, is_for, new_speed) in steps {
            now += i64::from(wait_ms);
            let decay = (-speed * f64::from(wait_ms) / 1_000.0).exp();
            for vote in &mut votes {
                *vote *= decay;
            }
            prop_assert!((value(&overlay, at(now)) - votes.iter().sum::<f64>()).abs() < 1e-9);
            if let Some(new_speed) = new_speed {
                (speed, version) = (new_speed, version + 1);
                prop_assert!(overlay.put_settings(&versioned(momentum(speed), version), at(now)));
            }
            votes.push(if is_for { 10.0 } else { -10.0 });
            let side = if is_for { Side::For } else { Side::Against };
            let pushed = overlay.push(side, at(now)).unwrap().value();
            prop_assert!((pushed - votes.iter().sum::<f64>()).abs() < 1e-9);
            prop_assert!((value(&overlay, at(now)) - pushed).abs() < 1e-9);
        }
    }
}

#[test]
fn a_reading_says_value_age_speed_and_version() {
    let mut overlay = open(momentum(0.25));
    applied(&mut overlay, &vote(1, 1, Side::Against), at(0));
    let reading = overlay.read(at(3_000)).unwrap();
    assert_close(reading.sentiment.value(), -10.0);
    assert_eq!((reading.age, reading.version), (Duration::from_secs(3), SettingsVersion(5)));
    assert_close(reading.decay.per_second(), 0.25);
    assert_eq!(reading.tally, None);
    assert_close(reading.after(Duration::from_secs(1)).value(), -10.0 * (-1.0_f64).exp());
}

#[test]
fn a_synthetic_vote_passes_every_limit_and_takes_no_token() {
    let mut overlay = open(momentum(0.5));
    let limit = BucketLimit::new(1, 0);
    assert_close(overlay.push(Side::For, at(0)).unwrap().value(), 10.0);
    assert!(matches!(overlay.cast(&vote(1, 1, Side::For), limit, at(0)), VoteOutcome::Applied(_)));
    assert_eq!(overlay.cast(&vote(2, 2, Side::For), limit, at(0)), VoteOutcome::RateLimited);
    assert_close(overlay.push(Side::Against, at(0)).unwrap().value(), 10.0);
    assert_eq!(overlay.activity(at(0)).unwrap().votes_last_minute, 3);
}

#[test]
fn a_reset_centres_the_bar_and_empties_the_tally() {
    let mut overlay = open(momentum(0.5));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    assert!(overlay.reset(at(0)));
    assert_close(value(&overlay, at(0)), 0.0);
    let mut overlay = open(share(Window::UntilReset, true));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    assert!(overlay.reset(at(0)));
    assert_eq!(tally(&overlay, at(0)), (0, 0));
}

#[test]
fn a_share_counts_votes_without_a_token_bucket() {
    let mut overlay = open(share(last_ten_secs(), false));
    let limit = BucketLimit::new(1, 0);
    for chatter in 0..3 {
        let outcome = overlay.cast(&vote(chatter, chatter.into(), Side::For), limit, at(0));
        assert_eq!(outcome, VoteOutcome::Applied(Sentiment::clamped(100.0)));
    }
    assert_close(overlay.push(Side::Against, at(0)).unwrap().value(), 50.0);
    let reading = overlay.read(at(5_000)).unwrap();
    assert_close(reading.sentiment.value(), 50.0);
    assert_close(reading.after(AGE).value(), 50.0);
    assert_eq!(tally(&overlay, at(5_000)), (3, 1));
    assert_eq!(tally(&overlay, at(10_000)), (0, 0));
    assert!(!overlay.activity(at(0)).unwrap().limited);
}

#[test]
fn a_chatters_next_vote_replaces_the_last_where_each_counts_once() {
    for (one_vote_each, expected) in [(true, (0, 1)), (false, (1, 1))] {
        let mut overlay = open(share(last_ten_secs(), one_vote_each));
        applied(&mut overlay, &vote(1, 1, Side::For), at(0));
        applied(&mut overlay, &vote(1, 2, Side::Against), at(1_000));
        assert_eq!(tally(&overlay, at(1_000)), expected);
    }
}

#[test]
fn another_window_starts_an_empty_tally() {
    let mut overlay = open(share(last_ten_secs(), false));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    assert!(overlay.put_settings(&versioned(share(Window::UntilReset, false), 6), at(0)));
    assert_eq!(tally(&overlay, at(0)), (0, 0));
    applied(&mut overlay, &vote(2, 2, Side::Against), at(0));
    assert_eq!(tally(&overlay, at(0)), (0, 1));
}

#[test]
fn momentum_starts_at_the_centre_after_a_share() {
    let mut overlay = open(momentum(0.5));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    assert!(overlay.put_settings(&versioned(share(last_ten_secs(), false), 6), at(0)));
    assert_eq!(tally(&overlay, at(0)), (0, 0));
    applied(&mut overlay, &vote(2, 2, Side::For), at(0));
    assert!(overlay.put_settings(&versioned(momentum(0.5), 7), at(0)));
    assert_close(value(&overlay, at(0)), 0.0);
}

#[test]
fn only_newer_settings_replace_the_sessions() {
    let mut overlay = open(momentum(0.5));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    for version in [4, 5] {
        assert!(!overlay.put_settings(&versioned(momentum(2.0), version), at(1_000)));
        overlay.attach(&seed(momentum(2.0), version), &instance("b"), 1, at(1_000));
    }
    assert_eq!(*overlay.session().unwrap().settings, versioned(momentum(0.5), 5));
    assert_close(value(&overlay, at(2_000)), 10.0 * (-1.0_f64).exp());
    overlay.attach(&seed(momentum(2.0), 6), &instance("b"), 1, at(2_000));
    assert_eq!(*overlay.session().unwrap().settings, versioned(momentum(2.0), 6));
    assert_close(value(&overlay, at(3_000)), 10.0 * (-3.0_f64).exp());
}

#[test]
fn viewers_are_summed_over_the_attached_instances() {
    let mut overlay = open(momentum(0.5));
    overlay.attach(&seed(momentum(0.5), 5), &instance("b"), 3, at(0));
    let activity = overlay.activity(at(0)).unwrap();
    assert_eq!((activity.viewers, activity.attached), (4, true));
    overlay.attach(&seed(momentum(0.5), 5), &instance("b"), 0, at(0));
    overlay.release(&instance("a"), at(0));
    let activity = overlay.activity(at(0)).unwrap();
    assert_eq!((activity.viewers, activity.attached), (0, true), "a preview has no viewers");
    assert!(overlay.attached_session().is_some());
    overlay.release(&instance("b"), at(0));
    assert!(!overlay.activity(at(0)).unwrap().attached);
    assert!(overlay.attached_session().is_none() && overlay.session().is_some());
}

#[test]
fn a_session_is_an_orphan_once_its_last_instance_left_long_enough_ago() {
    let mut overlay = open(momentum(0.5));
    overlay.attach(&seed(momentum(0.5), 5), &instance("b"), 1, at(0));
    overlay.release(&instance("a"), at(1_000));
    assert_eq!(overlay.orphan(Duration::ZERO, at(100_000)), None, "one instance is left");
    overlay.release(&instance("b"), at(2_000));
    overlay.release(&instance("stranger"), at(9_000));
    assert_eq!(overlay.orphan(AGE, at(31_999)), None);
    assert_eq!(overlay.delete_orphan(AGE, at(31_999)), None);
    let orphan = overlay.orphan(AGE, at(32_000)).unwrap();
    assert_eq!((orphan.broadcaster.as_str(), orphan.disconnected_at), ("1001", at(2_000)));
    overlay.attach(&seed(momentum(0.5), 5), &instance("a"), 1, at(32_000));
    assert_eq!(overlay.orphan(Duration::ZERO, at(99_000)), None, "it was opened again");
    overlay.release(&instance("a"), at(40_000));
    assert_eq!(overlay.delete_orphan(AGE, at(70_000)).unwrap().disconnected_at, at(40_000));
    assert!(overlay.session().is_none());
}

#[test]
fn a_tally_until_reset_outlives_an_orphan() {
    let mut overlay = open(share(Window::UntilReset, true));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    overlay.release(&instance("a"), at(0));
    assert!(overlay.delete_orphan(Duration::ZERO, at(TWELVE_HOURS_MS - 1)).is_none(), "it goes on counting");
    assert!(overlay.delete_orphan(Duration::ZERO, at(TWELVE_HOURS_MS)).is_some());
    overlay.attach(&seed(share(Window::UntilReset, true), 5), &instance("a"), 1, at(TWELVE_HOURS_MS));
    assert_eq!(tally(&overlay, at(TWELVE_HOURS_MS)), (1, 0));
}

#[test]
fn seen_messages_outlive_an_orphan() {
    let mut overlay = open(momentum(0.5));
    let early = vote(1, 1, Side::For);
    applied(&mut overlay, &early, at(0));
    overlay.release(&instance("a"), at(0));
    assert!(overlay.delete_orphan(Duration::ZERO, at(0)).is_some());
    overlay.attach(&seed(momentum(0.5), 5), &instance("a"), 1, at(0));
    assert_eq!(overlay.cast(&early, None, at(2_000)), VoteOutcome::Duplicate);
    assert_eq!(overlay.activity(at(0)).unwrap().votes_last_minute, 0, "the session is a new one");
}

#[test]
fn a_reset_reaches_the_tally_of_a_closed_overlay() {
    let mut overlay = open(share(Window::UntilReset, true));
    applied(&mut overlay, &vote(1, 1, Side::For), at(0));
    overlay.release(&instance("a"), at(0));
    let later = at(TWELVE_HOURS_MS);
    assert!(overlay.delete_orphan(Duration::ZERO, later).is_some());
    assert!(!overlay.reset(later));
    overlay.attach(&seed(share(Window::UntilReset, true), 5), &instance("a"), 1, later);
    assert_eq!(tally(&overlay, later), (0, 0));
}

#[test]
fn a_deleted_session_leaves_only_its_seen_messages() {
    let mut overlay = open(share(Window::UntilReset, true));
    let early = vote(1, 1, Side::For);
    applied(&mut overlay, &early, at(0));
    assert_eq!(overlay.delete().unwrap().broadcaster.as_str(), "1001");
    assert_eq!(overlay.delete(), None);
    overlay.attach(&seed(share(Window::UntilReset, true), 5), &instance("a"), 1, at(0));
    assert_eq!(tally(&overlay, at(0)), (0, 0));
    assert_eq!(overlay.cast(&early, None, at(2_000)), VoteOutcome::Duplicate);
}

#[test]
fn an_overlay_has_ended_when_nothing_is_left_to_remember() {
    assert!(LiveOverlay::default().has_ended(at(0)));
    let mut with_session = open(momentum(0.5));
    assert!(!with_session.has_ended(at(0)));
    applied(&mut with_session, &vote(1, 1, Side::For), at(0));
    with_session.delete();
    assert!(!with_session.has_ended(at(599_999)));
    assert!(with_session.has_ended(at(600_000)));
    let mut with_tally = open(share(Window::UntilReset, true));
    applied(&mut with_tally, &vote(1, 1, Side::For), at(0));
    with_tally.release(&instance("a"), at(0));
    assert!(with_tally.delete_orphan(Duration::ZERO, at(TWELVE_HOURS_MS)).is_some());
    assert!(!with_tally.has_ended(at(86_399_999)));
    assert!(with_tally.has_ended(at(86_400_000)));
}
