use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::chat_feed::ChatFeed as _;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals as _};
use chatpulse_domain::ports::subscriptions::SubscriptionRepository as _;
use chatpulse_domain::subscription::ChatState;
use chatpulse_engine::sessions::Watcher;
use chatpulse_testkit::builders as build;

use crate::world::{World, world};

#[tokio::test(start_paused = true)]
async fn a_session_is_cleaned_up_after_its_last_overlay_and_its_chat_after_the_grace() {
    let mut world = world().await;
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(2)).await;
    assert_eq!(world.viewers().await, None, "older than 30 s, so gone");
    assert_eq!(world.feed.unwanted(), [], "the chat is read for ten minutes more");
}

#[tokio::test(start_paused = true)]
async fn after_the_grace_the_chat_is_read_no_more() {
    let mut world = world().await;
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(12)).await;
    assert_eq!(world.feed.unwanted(), [world.streamer.channel()]);
}

#[tokio::test(start_paused = true)]
async fn an_open_overlay_keeps_its_session_for_ever() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.keep_house(Duration::from_mins(30)).await;
    assert_eq!(world.viewers().await, Some(1));
    assert_eq!(world.feed.unwanted(), []);
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
    assert_eq!(world.feed.unwanted(), [world.streamer.channel()]);
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_cleans_up() {
    let mut world = world().await;
    world.leader.set(false);
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(5)).await;
    assert_eq!(world.viewers().await, Some(0));
}

/// Another instance says that something changed about the streamer's session, once this one listens.
fn publish_soon(world: &World) {
    let (signals, streamer) = (world.signals.clone(), world.streamer.channel());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        signals.publish(Signal::SessionChanged(streamer));
    });
}

#[tokio::test(start_paused = true)]
async fn the_leader_wants_what_another_instance_serves() {
    let mut world = world().await;
    let open = world.open(Watcher::Viewer).await;
    // As if another instance served it: this feed knows nothing of it.
    world.feed.release(&world.streamer.channel());
    publish_soon(&world);
    world.keep_house(Duration::from_secs(3)).await;
    assert_eq!(world.feed.wanted().len(), 1);
    drop(open);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_lead_only_lets_go() {
    let mut world = world().await;
    world.leader.set(false);
    let open = world.open(Watcher::Viewer).await;
    let streamer = world.streamer.channel();
    world.keep_house(Duration::from_secs(1)).await;
    assert_eq!(world.feed.released(), []);
    world.live.delete(world.streamer.overlay).await.unwrap();
    world.restart();
    publish_soon(&world);
    world.keep_house(Duration::from_secs(3)).await;
    assert_eq!(world.feed.released(), [streamer]);
    assert_eq!(world.feed.unwanted(), []);
    drop(open);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_chat_that_is_wanted_is_looked_into() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    publish_soon(&world);
    world.keep_house(Duration::from_secs(3)).await;
    let streamer = world.streamer.channel();
    assert_eq!(world.feed.doubted(), [streamer.clone(), streamer], "at the start, and when it changed");
    assert_eq!(world.feed.asked().len(), 1, "it was wanted already");
}

/// From before a restart, or from a leader that died between clean-up and the end of the grace.
#[tokio::test(start_paused = true)]
async fn what_is_recorded_and_served_by_nobody_is_read_no_more_after_the_grace() {
    for (span, unwanted) in [(9, 0), (11, 1)] {
        let mut world = world().await;
        let leftover = build::subscription(&build::channel("somebody"));
        world.accounts.subscriptions.put(&leftover).await.unwrap();
        let _open = world.open(Watcher::Viewer).await;
        world.accounts.subscriptions.put(&build::subscription(&world.streamer.channel())).await.unwrap();
        world.keep_house(Duration::from_mins(span)).await;
        assert_eq!(world.feed.unwanted(), vec![leftover.broadcaster; unwanted]);
    }
}

#[tokio::test]
async fn a_dashboard_where_nothing_is_served_knows_that_the_chat_is_read() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.feed.release(&world.streamer.channel());
    let chat = async || world.engine.bar.status(&world.streamer).await.unwrap().chat;
    assert_eq!(chat().await, ChatState::Connecting);
    world.accounts.subscriptions.put(&build::subscription(&world.streamer.channel())).await.unwrap();
    assert_eq!(chat().await, ChatState::Reading);
}

#[tokio::test(start_paused = true)]
async fn after_a_gap_the_leader_looks_at_everything_again() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let signals = world.signals.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        signals.gap();
    });
    world.keep_house(Duration::from_secs(10)).await;
    assert_eq!(world.feed.doubted().len(), 2, "at the start, and after the gap");
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
    assert_eq!(heard.next().await, Heard::Signal(Signal::ListenerJoined));
    assert_eq!(heard.next().await, changed);
}
