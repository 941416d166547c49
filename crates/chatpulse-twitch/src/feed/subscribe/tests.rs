mod corrections;

use std::sync::Mutex;

use chatpulse_domain::ports::chat_feed::{ChatFeed as _, Served};
use chatpulse_domain::subscription::ChatState;
use mockall::predicate::{always, eq};

use super::*;
use crate::feed::channel::Revocation;
use crate::feed::testing::{
    Instance, bot, channel, chat, empty_twitch, forbidden, id, listed, ours, recorded, refused_note,
    unreachable,
};
use crate::helix::subscriptions::MockSubscriptionApi;

const STREAMER: &str = "42";
const OTHER: &str = "43";

fn subscriber(api: MockSubscriptionApi, at: &Instance) -> Subscriber {
    // Twitch delivers to this instance's shard.
    at.feed.socket_connected("session-1");
    let mut state = at.feed.lock();
    let crate::feed::shard::ShardState::ToAssign(transport) = state.shard.state().clone() else { panic!() };
    let assignment = state.shard.begin(transport);
    assert!(state.shard.enable(assignment, Instant::now()));
    drop(state);
    Subscriber::new(at.feed.clone(), Arc::new(api), at.records(), at.leadership())
}

/// Everything that is due now, and what that leads to.
async fn run(subscriber: &mut Subscriber) {
    for _ in 0..3 {
        subscriber.announce().await;
        subscriber.run_due(&ours()).await;
    }
}

async fn record_of(at: &Instance, broadcaster: &str) -> Option<String> {
    at.records().find(&channel(broadcaster)).await.unwrap().map(|record| record.id.to_string())
}

async fn state(at: &Instance, broadcaster: &str) -> ChatState {
    at.feed.state(&channel(broadcaster)).await
}

/// What Twitch says to requests for a chat, in order; then it accepts them. Notes when each came.
fn answering(
    api: &mut MockSubscriptionApi,
    answers: impl IntoIterator<Item = Result<&'static str, TwitchError>>,
) -> Arc<Mutex<Vec<Instant>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answers = Mutex::new(answers.into_iter().collect::<std::collections::VecDeque<_>>());
    let times = Arc::clone(&asked);
    api.expect_subscribe().returning(move |_, _| {
        times.lock().unwrap().push(Instant::now());
        let answer = answers.lock().unwrap().pop_front().unwrap_or(Ok("sub-1"));
        answer.map(|text| SubscriptionId::new(text).unwrap())
    });
    asked
}

fn count(asked: &Mutex<Vec<Instant>>) -> usize {
    asked.lock().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_is_wanted_is_subscribed_once_and_recorded() {
    let at = Instance::new();
    let mut api = empty_twitch();
    api.expect_subscribe().with(eq(ours()), eq(chat(STREAMER))).times(1).returning(|_, _| Ok(id("sub-1")));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    assert_eq!(state(&at, STREAMER).await, ChatState::Connecting);
    run(&mut subscriber).await;
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::Reading);
    assert_eq!(record_of(&at, STREAMER).await.unwrap(), "sub-1");
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_another_instance_subscribed_is_not_requested() {
    let at = Instance::new();
    at.records().put(&recorded("sub-1", STREAMER)).await.unwrap();
    // Twitch's list shows it too, or the leader would correct the record.
    let mut api = MockSubscriptionApi::new();
    api.expect_subscriptions_on().returning(|_| Ok(vec![listed("sub-1", STREAMER, "ours")]));
    api.expect_subscribe_to_withdrawals().returning(|_| Ok(()));
    api.expect_subscribe_to_disabled_shards().returning(|_| Ok(()));
    let mut subscriber = subscriber(api, &at);
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::Reading, "as recorded");
    at.feed.read_chat(chat(STREAMER), Served::Somewhere);
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::Reading);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_names_a_subscription_on_our_conduit_means_it_is_subscribed() {
    let at = Instance::new();
    let mut api = empty_twitch();
    answering(&mut api, [Err(TwitchError::Conflict { existing: Some("sub-0".into()) })]);
    api.expect_subscription()
        .with(eq("sub-0"))
        .times(1)
        .returning(|_| Ok(Some(listed("sub-0", STREAMER, "ours"))));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!(record_of(&at, STREAMER).await.unwrap(), "sub-0");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_a_subscription_on_a_dead_conduit_replaces_it() {
    let at = Instance::new();
    let mut api = empty_twitch();
    let asked = answering(&mut api, [Err(TwitchError::Conflict { existing: Some("sub-0".into()) })]);
    api.expect_subscription().returning(|_| Ok(Some(listed("sub-0", STREAMER, "long-gone"))));
    api.expect_unsubscribe().with(eq(id("sub-0"))).times(1).returning(|_| Ok(()));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!((count(&asked), record_of(&at, STREAMER).await.unwrap().as_str()), (2, "sub-1"));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_names_nothing_is_looked_up() {
    let at = Instance::new();
    let mut api = empty_twitch();
    answering(&mut api, [Err(TwitchError::Conflict { existing: None })]);
    api.expect_subscriptions_of()
        .with(eq(channel(STREAMER)))
        .times(1)
        .returning(|_| Ok(vec![listed("elsewhere", STREAMER, "theirs"), listed("sub-0", STREAMER, "ours")]));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!(record_of(&at, STREAMER).await.unwrap(), "sub-0");
}

#[tokio::test(start_paused = true)]
async fn a_refused_chat_is_announced_and_requested_again_after_an_hour() {
    let at = Instance::new();
    let mut api = empty_twitch();
    let asked = answering(&mut api, [Err(forbidden())]);
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::NotAuthorized);
    assert_eq!(at.notes()[0], refused_note(STREAMER));
    tokio::time::advance(Duration::from_mins(59)).await;
    run(&mut subscriber).await;
    assert_eq!(count(&asked), 1, "it is not tried blindly");
    tokio::time::advance(Duration::from_mins(1)).await;
    run(&mut subscriber).await;
    assert_eq!((count(&asked), state(&at, STREAMER).await), (2, ChatState::Reading));
}

#[tokio::test(start_paused = true)]
async fn consent_of_the_streamer_or_of_the_bot_retries_a_refused_chat_at_once() {
    for account in [chatpulse_testkit::builders::user(STREAMER).chatter(), bot()] {
        let at = Instance::new();
        let mut api = empty_twitch();
        let asked = answering(&mut api, [Err(forbidden())]);
        let mut subscriber = subscriber(api, &at);
        at.read(STREAMER);
        run(&mut subscriber).await;
        at.feed.consent_changed(&chatpulse_testkit::builders::user("stranger").chatter());
        run(&mut subscriber).await;
        assert_eq!(count(&asked), 1);
        at.feed.consent_changed(&account);
        run(&mut subscriber).await;
        assert_eq!((count(&asked), state(&at, STREAMER).await), (2, ChatState::Reading));
    }
}

#[tokio::test(start_paused = true)]
async fn out_of_points_nothing_is_requested_for_half_a_minute() {
    let at = Instance::new();
    let mut api = empty_twitch();
    let asked = answering(&mut api, [Err(TwitchError::RateLimited)]);
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    at.read(OTHER);
    tokio::time::advance(Duration::from_secs(29)).await;
    run(&mut subscriber).await;
    assert_eq!((count(&asked), state(&at, OTHER).await), (1, ChatState::Connecting));
    assert_eq!(subscriber.next_at(), Instant::now() + Duration::from_secs(1));
    tokio::time::advance(Duration::from_secs(1)).await;
    run(&mut subscriber).await;
    assert_eq!(count(&asked), 3);
}

#[tokio::test(start_paused = true)]
async fn other_failures_are_retried_after_1_2_and_4_seconds_and_then_every_half_minute() {
    let at = Instance::new();
    let mut api = empty_twitch();
    // A 429 with points left is no rate limit.
    let limit = || TwitchError::Refused { status: 429, message: "another limit".into() };
    let asked = answering(&mut api, [Err(unreachable()), Err(limit()), Err(unreachable()), Err(limit())]);
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    while count(&asked) < 5 {
        run(&mut subscriber).await;
        let next = subscriber.next_at();
        tokio::time::sleep_until(next).await;
    }
    let asked = asked.lock().unwrap();
    let waits: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, secs) in waits.iter().zip([1, 2, 4, 30]) {
        let longest = Duration::from_secs(secs);
        assert!(longest / 2 <= *wait && *wait <= longest + Duration::from_millis(2), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_urgent_shard_comes_before_any_chat() {
    let at = Instance::new();
    let mut subscriber = subscriber(MockSubscriptionApi::new(), &at);
    at.read(STREAMER);
    at.feed.check_shard();
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::Connecting);
}

#[tokio::test(start_paused = true)]
async fn the_leader_stops_a_chat_and_says_so() {
    let at = Instance::new();
    let mut api = empty_twitch();
    answering(&mut api, []);
    api.expect_unsubscribe().with(eq(id("sub-1"))).times(1).returning(|_| Err(unreachable()));
    api.expect_unsubscribe().with(eq(id("sub-1"))).times(1).returning(|_| Ok(()));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    at.feed.stop_reading(&channel(STREAMER));
    run(&mut subscriber).await;
    assert!(record_of(&at, STREAMER).await.is_some(), "Twitch did not answer; it is tried again");
    tokio::time::sleep_until(subscriber.next_at()).await;
    run(&mut subscriber).await;
    assert_eq!((record_of(&at, STREAMER).await, state(&at, STREAMER).await), (None, ChatState::Idle));
    assert_eq!(at.signals.published().last(), Some(&Signal::SessionChanged(channel(STREAMER))));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_lead_leaves_the_subscription_alone() {
    let at = Instance::new();
    at.leader.set(false);
    let mut api = empty_twitch();
    answering(&mut api, []);
    api.expect_unsubscribe().never();
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    at.feed.stop_reading(&channel(STREAMER));
    run(&mut subscriber).await;
    assert!(at.feed.lock().channels.get(&channel(STREAMER)).is_none(), "forgotten");
    assert_eq!(state(&at, STREAMER).await, ChatState::Reading, "the record says so");
}

#[tokio::test(start_paused = true)]
async fn the_leader_stops_what_another_instance_subscribed_and_a_streamer_who_is_back_is_kept() {
    for is_back in [false, true] {
        let at = Instance::new();
        let mut api = MockSubscriptionApi::new();
        api.expect_subscriptions_on().returning(|_| Ok(vec![listed("sub-1", STREAMER, "ours")]));
        api.expect_subscribe_to_withdrawals().returning(|_| Ok(()));
        api.expect_subscribe_to_disabled_shards().returning(|_| Ok(()));
        api.expect_unsubscribe().with(eq(id("sub-1"))).times(usize::from(!is_back)).returning(|_| Ok(()));
        let mut subscriber = subscriber(api, &at);
        run(&mut subscriber).await;
        at.feed.stop_reading(&channel(STREAMER));
        if is_back {
            at.feed.read_chat(chat(STREAMER), Served::Somewhere);
        }
        run(&mut subscriber).await;
        assert_eq!(record_of(&at, STREAMER).await.is_some(), is_back);
    }
}
