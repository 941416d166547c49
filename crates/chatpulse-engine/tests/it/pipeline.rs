//! What becomes of each line of chat.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, MessageId, OverlayId, Platform};
use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::ports::chat_sink::{ChatDelivery, ChatOutcome, ChatSink as _};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use chatpulse_engine::sessions::Watcher;
use chatpulse_testkit::builders as build;

use crate::world::{world, world_with};

#[tokio::test]
async fn a_trigger_word_moves_the_bar_and_says_so() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let outcome = world.engine.pipeline.handle(&world.message("YES")).await;
    let ChatOutcome::Applied { side: Side::For, sentiment } = outcome else { panic!("{outcome:?}") };
    assert!((sentiment.value() - 10.0).abs() < f64::EPSILON);
    assert!(world.signals.published().contains(&Signal::SentimentChanged(world.streamer.overlay)));
}

#[tokio::test]
async fn chat_without_an_open_overlay_is_no_session_and_makes_none() {
    let world = world().await;
    assert_eq!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::NoSession);
    assert_eq!(world.viewers().await, None);
}

#[tokio::test]
async fn ordinary_chat_asks_the_store_once_and_then_nothing() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    for _ in 0..50 {
        assert_eq!(world.engine.pipeline.handle(&world.message("what a play")).await, ChatOutcome::NoMatch);
    }
    assert_eq!(world.engine.cache.stats().misses, 1);
    world.live.break_down();
    assert_eq!(world.engine.pipeline.handle(&world.message("still no network")).await, ChatOutcome::NoMatch);
}

#[tokio::test]
async fn a_message_from_a_shared_chat_elsewhere_is_not_this_channels_vote() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let mirrored = ChatMessage {
        source_broadcaster: ChannelId::new(Platform::Twitch, "987").ok(),
        ..world.message("yes")
    };
    assert_eq!(world.engine.pipeline.handle(&mirrored).await, ChatOutcome::NoMatch);
}

#[tokio::test]
async fn a_shared_bots_own_words_are_no_vote_but_the_streamers_are() {
    let world = world_with(None, Some("777")).await;
    let _open = world.open(Watcher::Viewer).await;
    let from = |id: &str| ChatMessage { chatter: build::chatter(id), ..world.message("yes") };
    assert_eq!(world.engine.pipeline.handle(&from("777")).await, ChatOutcome::NoMatch);
    let streamer = from(world.streamer.twitch_id.as_str());
    assert!(matches!(world.engine.pipeline.handle(&streamer).await, ChatOutcome::Applied { .. }));
}

#[tokio::test]
async fn a_streamer_who_reads_the_own_chat_may_vote() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let own =
        ChatMessage { chatter: build::chatter(world.streamer.twitch_id.as_str()), ..world.message("no") };
    assert!(matches!(
        world.engine.pipeline.handle(&own).await,
        ChatOutcome::Applied { side: Side::Against, .. }
    ));
}

#[tokio::test]
async fn each_limit_has_its_own_outcome() {
    let world = world_with(BucketLimit::new(2, 60), None).await;
    let _open = world.open(Watcher::Viewer).await;
    let first = world.message("yes");
    let again = ChatMessage { chatter: first.chatter.clone(), ..world.message("yes") };
    let side = Side::For;
    assert!(matches!(world.engine.pipeline.handle(&first).await, ChatOutcome::Applied { .. }));
    assert_eq!(world.engine.pipeline.handle(&first).await, ChatOutcome::Duplicate { side });
    assert_eq!(world.engine.pipeline.handle(&again).await, ChatOutcome::Debounced { side });
    assert!(matches!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Applied { .. }));
    assert_eq!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::RateLimited { side });
    world.clock.advance(Duration::from_secs(1));
    assert!(matches!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Applied { .. }));
}

#[tokio::test]
async fn a_store_that_is_away_means_no_vote() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.live.break_down();
    assert_eq!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Error);
    world.live.recover();
    assert!(matches!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Applied { .. }));
}

#[tokio::test]
async fn what_is_stale_or_unreadable_is_counted_as_that() {
    let world = world().await;
    assert_eq!(world.engine.pipeline.receive(ChatDelivery::Stale).await, ChatOutcome::Stale);
    assert_eq!(world.engine.pipeline.receive(ChatDelivery::Malformed).await, ChatOutcome::Malformed);
}

#[tokio::test]
async fn a_session_that_ended_is_looked_up_again() {
    let world = world().await;
    let open = world.open(Watcher::Viewer).await;
    assert!(matches!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Applied { .. }));
    world.live.delete(world.streamer.overlay).await.unwrap();
    assert_eq!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::NoSession);
    drop(open);
    let _open = world.open(Watcher::Viewer).await;
    assert!(matches!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Applied { .. }));
}

/// A store that is connected and silent.
struct NeverAnswers;

#[async_trait]
impl VoteStore for NeverAnswers {
    async fn cast(&self, _: &Vote) -> Result<VoteOutcome, StoreError> {
        pending().await
    }

    async fn note_seen(&self, _: OverlayId, _: &MessageId) -> Result<bool, StoreError> {
        pending().await
    }

    async fn push(&self, _: OverlayId, _: Side) -> Result<Option<Sentiment>, StoreError> {
        pending().await
    }

    async fn read(&self, _: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError> {
        pending().await
    }

    async fn reset(&self, _: OverlayId) -> Result<bool, StoreError> {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_vote_whose_store_is_silent_is_given_up_within_a_second() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.restart_with(Arc::new(NeverAnswers));
    let began = tokio::time::Instant::now();
    let vote = ChatDelivery::Message(world.message("yes"));
    assert_eq!(world.engine.pipeline.receive(vote).await, ChatOutcome::Error);
    assert!(began.elapsed() < Duration::from_secs(1));
}
