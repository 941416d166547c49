use chatpulse_domain::ports::signals::Signals as _;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::fakes::{FakeAccounts, FakeSignals};

use super::testing::{Instance, bot, channel, chat, id, recorded, refused_note};
use super::*;

const STREAMER: &str = "42";

fn enable(feed: &TwitchFeed) {
    let mut state = feed.lock();
    state.shard.connected(ShardTransport::Webhook, Instant::now());
    let assignment = state.shard.begin(ShardTransport::Webhook);
    assert!(state.shard.enable(assignment, Instant::now()));
}

async fn state(at: &Instance) -> ChatState {
    at.feed.state(&channel(STREAMER)).await
}

/// Lets every listener hear what was published.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

fn listen(at: &Instance) {
    let feed = at.feed.clone();
    tokio::spawn(async move { feed.listen().await });
}

/// Two instances of a fleet; the first leads.
async fn two() -> (Instance, Instance) {
    let (signals, accounts) = (FakeSignals::new(), FakeAccounts::new());
    let both = [true, false].map(|leads| Instance::beside(&signals, &accounts, leads));
    for at in &both {
        enable(&at.feed);
        listen(at);
    }
    settle().await;
    let [leader, other] = both;
    (leader, other)
}

#[tokio::test]
async fn a_chat_that_only_the_record_knows_is_not_said_to_be_read_while_twitch_is_away() {
    let at = Instance::new();
    at.records().put(&recorded("sub-1", STREAMER)).await.unwrap();
    assert_eq!(state(&at).await, ChatState::Connecting);
    at.feed.read_chat(chat(STREAMER), Served::Somewhere);
    assert_eq!(state(&at).await, ChatState::Connecting);
    enable(&at.feed);
    assert_eq!(state(&at).await, ChatState::Reading);
    at.accounts.break_down();
    assert_eq!(state(&at).await, ChatState::Connecting, "the record cannot be read");
}

#[tokio::test]
async fn a_chat_that_nobody_reads_is_idle() {
    let at = Instance::new();
    enable(&at.feed);
    assert_eq!(state(&at).await, ChatState::Idle);
}

#[tokio::test]
async fn a_refusal_of_a_chat_that_nobody_wants_is_said_until_its_bot_gives_consent() {
    let at = Instance::new();
    enable(&at.feed);
    at.feed.revoked(chat(STREAMER), id("sub-1"), Revocation::NotAuthorized);
    assert_eq!(state(&at).await, ChatState::NotAuthorized);
    at.feed.consent_changed(&build::user("8").chatter());
    assert_eq!(state(&at).await, ChatState::NotAuthorized);
    at.feed.consent_changed(&bot());
    assert_eq!(state(&at).await, ChatState::Idle);
}

#[tokio::test]
async fn a_refusal_is_known_at_the_other_instance_until_somebody_gives_consent_anywhere() {
    let (leader, other) = two().await;
    leader.feed.publish(Note::Refused(chat(STREAMER)));
    settle().await;
    assert_eq!(state(&leader).await, ChatState::NotAuthorized);
    assert_eq!(state(&other).await, ChatState::NotAuthorized);
    other.feed.consent_changed(&build::user(STREAMER).chatter());
    settle().await;
    assert_eq!(state(&leader).await, ChatState::Idle);
    assert_eq!(state(&other).await, ChatState::Idle);
}

#[tokio::test]
async fn a_refused_chat_that_is_read_again_is_allowed_at_the_other_instance() {
    let (leader, other) = two().await;
    leader.read(STREAMER);
    leader.feed.publish(Note::Refused(chat(STREAMER)));
    settle().await;
    leader.feed.apply(&channel(STREAMER), Event::Subscribed(id("sub-1")));
    settle().await;
    assert_eq!(state(&leader).await, ChatState::Reading);
    assert_eq!(state(&other).await, ChatState::Idle);
}

#[tokio::test]
async fn an_instance_that_starts_to_listen_asks_for_refusals_and_so_does_one_that_missed_something() {
    let at = Instance::new();
    listen(&at);
    settle().await;
    assert_eq!(at.notes(), [Note::RefusalsWanted.into_signal()]);
    assert!(std::mem::take(&mut at.feed.lock().are_refusals_wanted), "it hears itself, too");
    at.signals.gap();
    settle().await;
    assert!(at.feed.lock().are_refusals_wanted);
    assert!(at.feed.lock().leftovers_at.is_some());
}

#[tokio::test]
async fn after_a_gap_consent_may_have_been_missed() {
    let at = Instance::new();
    listen(&at);
    settle().await;
    at.signals.publish(refused_note(STREAMER));
    settle().await;
    assert!(at.feed.lock().channels.get(&channel(STREAMER)).unwrap().is_refused());
    at.signals.gap();
    settle().await;
    assert!(!at.feed.lock().channels.get(&channel(STREAMER)).unwrap().is_refused());
}

#[tokio::test]
async fn a_changed_session_makes_the_feed_look_up_the_record() {
    let at = Instance::new();
    enable(&at.feed);
    listen(&at);
    at.read(STREAMER);
    at.feed.apply(&channel(STREAMER), Event::Subscribed(id("sub-1")));
    settle().await;
    assert_eq!(state(&at).await, ChatState::Reading);
    at.signals.publish(chatpulse_domain::ports::signals::Signal::SessionChanged(channel(STREAMER)));
    settle().await;
    assert_eq!(state(&at).await, ChatState::Idle, "the record has nothing");
}
