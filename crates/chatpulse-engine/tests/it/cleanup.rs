use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::ChannelId;
use chatpulse_domain::ports::chat_sink::ChatOutcome;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals as _};
use chatpulse_domain::window::Window;
use chatpulse_engine::sessions::Watcher;
use chatpulse_testkit::builders as build;

use crate::world::{World, world};

#[tokio::test(start_paused = true)]
async fn a_session_is_cleaned_up_after_its_last_overlay_and_its_chat_after_the_grace() {
    let mut world = world().await;
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(2)).await;
    assert_eq!(world.viewers().await, None, "older than 30 s, so gone");
    assert_eq!(world.feed.stopped(), [], "the chat is read for ten minutes more");
}

#[tokio::test(start_paused = true)]
async fn after_the_grace_the_chat_is_read_no_more() {
    let mut world = world().await;
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(12)).await;
    assert_eq!(world.feed.stopped(), [world.streamer.channel()]);
}

/// Scenes come and go during an evening; the votes typed meanwhile belong to the count.
#[tokio::test(start_paused = true)]
async fn a_share_until_reset_counts_on_for_twelve_hours_without_an_overlay() {
    let mut world = world().await;
    let settings = build::settings_with_share(Window::UntilReset, false);
    world.engine.settings.save(&world.streamer, &settings, None).await.unwrap();
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(12)).await;
    for hours in [0, 11] {
        world.restart();
        world.clock.advance(Duration::from_hours(hours));
        world.keep_house(Duration::from_mins(1)).await;
        let outcome = world.engine.pipeline.handle(&world.message("yes")).await;
        assert!(matches!(outcome, ChatOutcome::Applied { .. }), "after {hours} h: {outcome:?}");
        assert_eq!(world.feed.stopped(), []);
    }
    world.restart();
    world.clock.advance(Duration::from_hours(1));
    world.keep_house(Duration::from_mins(2)).await;
    assert_eq!(world.viewers().await, None);
    assert_eq!(world.feed.stopped(), [world.streamer.channel()]);
}

#[tokio::test(start_paused = true)]
async fn an_open_overlay_keeps_its_session_for_ever() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.keep_house(Duration::from_mins(30)).await;
    assert_eq!(world.viewers().await, Some(1));
    assert_eq!(world.feed.stopped(), []);
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_read_no_more_when_nobody_opens_the_new_address() {
    let mut world = world().await;
    let open = world.open(Watcher::Viewer).await;
    let (accounts, streamer) = (Arc::clone(&world.engine.accounts), world.streamer.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        accounts.rotate_overlay(&streamer).await.unwrap();
        drop(open);
    });
    world.keep_house(Duration::from_mins(12)).await;
    assert_eq!(world.feed.stopped(), [world.streamer.channel()]);
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_cleans_up() {
    let mut world = world().await;
    world.leader.set(false);
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(5)).await;
    assert_eq!(world.viewers().await, Some(0));
}

/// Another instance says that something changed about this chat, once this one listens.
fn publish_soon(world: &World, broadcaster: ChannelId) {
    let signals = world.signals.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        signals.publish(Signal::SessionChanged(broadcaster));
    });
}

#[tokio::test(start_paused = true)]
async fn the_leader_reads_what_another_instance_serves() {
    let mut world = world().await;
    world.live.attach(&world.seed().await, &build::instance("other"), 1).await.unwrap();
    publish_soon(&world, world.streamer.channel());
    world.keep_house(Duration::from_secs(3)).await;
    assert!(world.feed.read_here().is_empty());
    assert_eq!(world.feed.wanted().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_lead_reads_nothing_that_another_one_serves() {
    let mut world = world().await;
    world.leader.set(false);
    world.live.attach(&world.seed().await, &build::instance("other"), 1).await.unwrap();
    publish_soon(&world, world.streamer.channel());
    world.keep_house(Duration::from_secs(3)).await;
    assert_eq!((world.feed.wanted(), world.feed.stopped()), (vec![], vec![]));
}

/// The leader alone knows the grace, and subscribes no chat again that the leader is about to stop.
#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_lead_stops_reading_as_soon_as_the_session_ended() {
    let mut world = world().await;
    world.leader.set(false);
    let open = world.open(Watcher::Viewer).await;
    world.keep_house(Duration::from_secs(1)).await;
    assert_eq!(world.feed.stopped(), []);
    world.live.delete(world.streamer.overlay).await.unwrap();
    world.restart();
    publish_soon(&world, world.streamer.channel());
    world.keep_house(Duration::from_secs(3)).await;
    assert_eq!(world.feed.stopped(), [world.streamer.channel()]);
    drop(open);
}

#[tokio::test(start_paused = true)]
async fn the_leader_has_a_chat_that_changed_read_again() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    publish_soon(&world, world.streamer.channel());
    world.keep_house(Duration::from_secs(3)).await;
    assert_eq!(world.feed.read_somewhere().len(), 2, "at the start, and when it changed");
    assert_eq!(world.feed.read_here().len(), 1, "only when it opened");
}

/// From before a restart, or from a leader that died between clean-up and the end of the grace.
#[tokio::test(start_paused = true)]
async fn a_chat_without_a_session_is_stopped_after_the_grace() {
    let leftover = build::user("somebody").channel();
    for (span, stopped) in [(9, 0), (11, 1)] {
        let mut world = world().await;
        let _open = world.open(Watcher::Viewer).await;
        publish_soon(&world, leftover.clone());
        publish_soon(&world, world.streamer.channel());
        world.keep_house(Duration::from_mins(span)).await;
        assert_eq!(world.feed.stopped(), vec![leftover.clone(); stopped]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_gap_the_leader_has_every_chat_read_again() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let signals = world.signals.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        signals.gap();
    });
    world.keep_house(Duration::from_secs(10)).await;
    assert_eq!(world.feed.read_somewhere().len(), 2, "at the start, and after the gap");
}

/// Whoever heard that it opened found nothing, and the signal may not even have left.
#[tokio::test(start_paused = true)]
async fn a_session_that_could_only_be_held_later_is_announced_then() {
    let mut world = world().await;
    world.live.break_down();
    let _open = world.open(Watcher::Viewer).await;
    let mut heard = world.signals.subscribe();
    let live = world.live.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        live.recover();
    });
    world.keep_house(Duration::from_secs(10)).await;
    let changed = Heard::Signal(Signal::SessionChanged(world.streamer.channel()));
    assert_eq!(heard.next().await, changed);
}
