use std::time::Duration;

use chatpulse_domain::login::LoginRole;
use chatpulse_domain::side::Side;
use chatpulse_domain::subscription::ChatState;
use chatpulse_engine::accounts::BotError;
use chatpulse_engine::sessions::Watcher;
use chatpulse_testkit::builders as build;

use crate::world::{world, world_with};

#[tokio::test]
async fn the_first_streamer_reads_chat_where_no_bot_is_configured() {
    let world = world().await;
    world.engine.accounts.sign_in(&build::grant("grace"), LoginRole::StreamerAndReader).await.unwrap();
    assert_eq!(world.engine.reader.account().as_ref(), Some(&world.streamer.twitch_id));
    assert_eq!(world.engine.accounts.bot_is_connected().await.unwrap(), Some(true));
}

#[tokio::test]
async fn only_the_bot_itself_can_be_connected_as_the_bot() {
    let bot = build::grant("bot");
    let world = world_with(None, Some(bot.user.id.as_str())).await;
    assert_eq!(world.engine.accounts.bot_is_connected().await.unwrap(), Some(false));
    let other = world.engine.accounts.connect_bot(&build::grant("mallory")).await;
    assert!(matches!(other, Err(BotError::OtherAccount)));
    assert!(!world.feed.consents().contains(&bot.user.id.chatter()));
    world.engine.accounts.connect_bot(&bot).await.unwrap();
    assert_eq!(world.feed.consents().last(), Some(&bot.user.id.chatter()), "refused chats are retried");
    assert_eq!(world.engine.accounts.bot_is_connected().await.unwrap(), Some(true));
}

#[tokio::test]
async fn logging_in_again_asks_for_a_chat_that_was_refused() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let (asked, consents) = (world.feed.read_here().len(), world.feed.consents().len());
    world.engine.accounts.sign_in(&build::grant("ada"), LoginRole::StreamerAndReader).await.unwrap();
    assert_eq!(world.feed.read_here().len(), asked + 1);
    assert!(world.feed.consents()[consents..].contains(&world.streamer.twitch_id.chatter()));
}

#[tokio::test]
async fn the_status_is_idle_until_an_overlay_is_open_and_a_refusal_wins() {
    let world = world().await;
    let chat = async || world.engine.bar.status(&world.streamer).await.unwrap().chat;
    assert_eq!(chat().await, ChatState::Idle);
    let _open = world.open(Watcher::Viewer).await;
    world.feed.set_state(&world.streamer.channel(), ChatState::Reading);
    assert_eq!(chat().await, ChatState::Reading);
    world.feed.set_state(&world.streamer.channel(), ChatState::Idle);
    assert_eq!(chat().await, ChatState::Connecting, "the overlay opened a moment ago");
    world.feed.set_state(&world.streamer.channel(), ChatState::NotAuthorized);
    assert_eq!(chat().await, ChatState::NotAuthorized);
}

#[tokio::test(start_paused = true)]
async fn a_test_vote_needs_an_overlay_to_show_it() {
    let mut world = world().await;
    assert_eq!(world.engine.bar.test_vote(&world.streamer, Side::For).await.unwrap(), None);
    let open = world.open(Watcher::Viewer).await;
    let moved = world.engine.bar.test_vote(&world.streamer, Side::Against).await.unwrap().unwrap();
    assert!((moved.value() + 10.0).abs() < f64::EPSILON);
    // The session outlives its overlay, but there is nothing left to show it.
    drop(open);
    world.keep_house(Duration::from_secs(2)).await;
    assert_eq!(world.viewers().await, Some(0));
    assert_eq!(world.engine.bar.test_vote(&world.streamer, Side::For).await.unwrap(), None);
}

#[tokio::test]
async fn tokens_of_another_key_are_counted_and_harm_nothing_else() {
    let world = world().await;
    assert_eq!(world.engine.accounts.count_unopenable().await.unwrap(), (0, 1));
}
