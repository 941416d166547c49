use std::sync::Arc;
use std::time::Duration;

use chatpulse_engine::sessions::Watcher;

use crate::world::world;

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
    assert_eq!(world.feed.unwanted(), [world.streamer.twitch_id.clone()]);
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
    assert_eq!(world.feed.unwanted(), [world.streamer.twitch_id.clone()]);
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_cleans_up() {
    let mut world = world().await;
    world.leader.set(false);
    drop(world.open(Watcher::Viewer).await);
    world.keep_house(Duration::from_mins(5)).await;
    assert_eq!(world.viewers().await, Some(0));
}
