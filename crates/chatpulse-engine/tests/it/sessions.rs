use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::chat_sink::ChatOutcome;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::ports::streamers::StreamerRepository as _;
use chatpulse_engine::sessions::{OpenError, Watcher};
use chatpulse_testkit::builders as build;

use crate::world::world;

#[tokio::test(start_paused = true)]
async fn every_socket_is_counted_until_it_is_dropped() {
    let mut world = world().await;
    let (first, second) = (world.open(Watcher::Viewer).await, world.open(Watcher::Viewer).await);
    assert_eq!(world.viewers().await, Some(2));
    drop(first);
    drop(second);
    world.keep_house(Duration::from_secs(1)).await;
    assert_eq!(world.viewers().await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_preview_holds_the_session_and_is_no_viewer() {
    let mut world = world().await;
    let preview = world.open(Watcher::Preview).await;
    let activity = world.live.activity(world.streamer.overlay).await.unwrap().unwrap();
    assert_eq!((activity.viewers, activity.attached), (0, true));
    drop(preview);
    world.keep_house(Duration::from_secs(1)).await;
    assert!(!world.live.activity(world.streamer.overlay).await.unwrap().unwrap().attached);
}

#[tokio::test]
async fn an_address_of_nobody_is_none() {
    let world = world().await;
    assert_eq!(world.engine.sessions.find(OverlayId::random()).await.unwrap(), None);
}

#[tokio::test]
async fn an_open_overlay_is_found_while_the_database_is_away_and_an_unknown_one_is_an_error() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.accounts.break_down();
    assert!(world.engine.sessions.find(world.streamer.overlay).await.unwrap().is_some());
    assert!(world.engine.sessions.find(OverlayId::random()).await.is_err());
}

/// Another instance of a fleet serves it; this one is asked for the page.
#[tokio::test]
async fn an_overlay_that_is_live_elsewhere_is_found_while_the_database_is_away() {
    let world = world().await;
    let seed = world.seed().await;
    world.live.attach(&seed, &build::instance("other"), 1).await.unwrap();
    world.accounts.break_down();
    assert_eq!(world.engine.sessions.find(seed.overlay).await.unwrap(), Some(seed));
}

/// The news of it got lost, or came before this instance listened.
#[tokio::test(start_paused = true)]
async fn a_rotation_that_was_missed_is_found_after_a_gap() {
    let mut world = world().await;
    let (_open, missed) = (world.open(Watcher::Viewer).await, Signal::OverlayRotated(world.streamer.overlay));
    world.accounts.streamers.rotate_overlay(world.streamer.id).await.unwrap();
    let signals = world.signals.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        signals.gap();
    });
    world.keep_house(Duration::from_secs(4)).await;
    assert!(world.signals.published().contains(&missed), "so that its sockets close");
    let held = world.live.activity(world.streamer.overlay).await.unwrap().map(|activity| activity.attached);
    assert_eq!(held, Some(false));
}

/// Wherever it is held.
#[tokio::test(start_paused = true)]
async fn the_leader_ends_sessions_whose_address_is_nobodys() {
    let mut world = world().await;
    let seed = world.seed().await;
    world.live.attach(&seed, &build::instance("other"), 1).await.unwrap();
    world.accounts.streamers.rotate_overlay(world.streamer.id).await.unwrap();
    world.keep_house(Duration::from_mins(6)).await;
    assert_eq!(world.live.activity(seed.overlay).await.unwrap(), None);
    assert!(world.signals.published().contains(&Signal::OverlayRotated(seed.overlay)));
}

#[tokio::test(start_paused = true)]
async fn an_overlay_that_opened_while_the_store_was_away_is_told_to_it_later() {
    let mut world = world().await;
    let seed = world.seed().await;
    world.live.break_down();
    let _open = world.engine.sessions.open(seed, Watcher::Viewer).await.unwrap();
    world.live.recover();
    assert_eq!(world.viewers().await, None);
    world.keep_house(Duration::from_secs(3)).await;
    assert_eq!(world.viewers().await, Some(1));
}

#[tokio::test]
async fn no_more_overlays_open_than_the_instance_takes() {
    let world = world().await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(world.open(Watcher::Viewer).await);
    }
    let refused = world.engine.sessions.open(world.seed().await, Watcher::Viewer).await;
    assert!(matches!(refused, Err(OpenError::Full)));
}

#[tokio::test(start_paused = true)]
async fn sockets_of_a_replaced_address_cannot_bring_its_session_back() {
    let mut world = world().await;
    let old_seed = world.seed().await;
    let (first, _second) = (world.open(Watcher::Viewer).await, world.open(Watcher::Viewer).await);
    let renewed = world.engine.accounts.rotate_overlay(&world.streamer).await.unwrap().unwrap();
    // One old socket goes while another is still closing; a third was just about to open.
    drop(first);
    assert!(matches!(world.engine.sessions.open(old_seed, Watcher::Viewer).await, Err(OpenError::Rotated)));
    let seed = world.engine.sessions.find(renewed).await.unwrap().unwrap();
    let _open = world.engine.sessions.open(seed, Watcher::Viewer).await.unwrap();
    world.keep_house(Duration::from_mins(2)).await;
    assert_eq!(world.live.activity(world.streamer.overlay).await.unwrap(), None);
    assert!(matches!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::Applied { .. }));
    assert_eq!(world.live.activity(renewed).await.unwrap().unwrap().votes_last_minute, 1);
}
