//! Chat over WebSocket, directly and through a conduit, and the rules of the socket.

use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Limits, SimConfig, Status};
use futures_util::SinkExt;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{BOT, Client, SOON, STREAMER, Socket, chat, quick};

/// A client that reads the streamer's chat through a conduit with one socket.
async fn reader(client: &Client) -> Socket {
    client.grant_all();
    let conduit_id = client.conduit().await;
    let socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    let assigned = client.assign(&conduit_id, socket.transport()).await;
    assert_eq!(assigned["data"][0]["status"], "enabled");
    assert_eq!(assigned["errors"], json!([]));
    let (status, _) = client.subscribe(json!({ "method": "conduit", "conduit_id": conduit_id })).await;
    assert_eq!(status, 202);
    socket
}

fn yes() -> ChatLine {
    ChatLine::new(STREAMER, Chatter::named("Ada"), "yes")
}

async fn with_limits(limits: Limits) -> Client {
    Client::with(SimConfig { limits, ..SimConfig::default() }).await
}

#[tokio::test]
async fn a_line_reaches_the_shard_of_a_conduit() {
    let client = Client::start().await;
    let mut socket = reader(&client).await;
    assert!(client.sim.wait_until_subscribed(STREAMER, SOON).await);

    let delivered = client.sim.say(yes()).await;
    assert_eq!(delivered.deliveries, 1);
    let frame = socket.next().await.unwrap();
    assert_eq!(frame["metadata"]["message_type"], "notification");
    assert_eq!(frame["metadata"]["subscription_type"], "channel.chat.message");
    assert_eq!(frame["payload"]["subscription"]["transport"]["method"], "conduit");
    let event = &frame["payload"]["event"];
    assert_eq!(event["message_id"], *delivered.message_id);
    assert_eq!((&event["message"]["text"], &event["chatter_user_login"]), (&json!("yes"), &json!("ada")));
    client.sim.stop().await;
}

#[tokio::test]
async fn nobody_gets_a_line_of_another_channel() {
    let client = Client::start().await;
    let mut socket = reader(&client).await;
    let elsewhere = client.sim.say(ChatLine::new("99", Chatter::named("Ada"), "no")).await;
    assert_eq!(elsewhere.deliveries, 0);
    client.sim.say(yes()).await;
    assert_eq!(socket.next().await.unwrap()["payload"]["event"]["message"]["text"], "yes");
    client.sim.stop().await;
}

#[tokio::test]
async fn a_shared_line_arrives_as_a_copy() {
    let client = Client::start().await;
    let mut socket = reader(&client).await;
    let line = ChatLine::new("112233", Chatter::named("Ada"), "no").shared_with(STREAMER);
    let delivered = client.sim.say(line).await;
    let frame = socket.next().await.unwrap();
    let event = &frame["payload"]["event"];
    assert_eq!(event["source_message_id"], *delivered.message_id);
    assert_eq!(event["message_id"], *delivered.shared_ids[0]);
    assert_eq!(event["source_broadcaster_user_id"], "112233");
    client.sim.stop().await;
}

#[tokio::test]
async fn repeated_deliveries_keep_their_ids() {
    let client = Client::start().await;
    let mut socket = reader(&client).await;
    assert_eq!(client.sim.say(yes().repeated(1)).await.deliveries, 2);
    let first = socket.next().await.unwrap();
    assert_eq!(socket.next().await.unwrap(), first);
    client.sim.resend_last().await;
    assert_eq!(socket.next().await.unwrap()["metadata"]["message_id"], first["metadata"]["message_id"]);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_user_reads_chat_without_a_conduit() {
    let client = Client::start().await;
    let token = client.user_token(BOT, "user:read:chat").await;
    let token = token["access_token"].as_str().unwrap();
    let mut socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    let path = "/eventsub/subscriptions";
    let (status, answer) = client.call_as(token, Method::POST, path, chat(&socket.transport())).await;
    assert_eq!((status, &answer["max_total_cost"]), (202, &json!(10)));
    client.sim.say(yes()).await;
    assert!(socket.next().await.is_ok());

    socket.stream.close(None).await.unwrap();
    let lost =
        |sim: &chatpulse_twitch_sim::Sim| sim.subscriptions()[0].status == Status::WebsocketDisconnected;
    assert!(client.sim.wait_until(SOON, lost).await);
    client.sim.stop().await;
}

#[tokio::test]
async fn silence_is_filled_with_keepalives() {
    let client = Client::with(SimConfig { keepalive_secs: 1, ..SimConfig::default() }).await;
    let mut socket = reader(&client).await;
    let frame = socket.next().await.unwrap();
    assert_eq!(frame["metadata"]["message_type"], "session_keepalive");
    assert_eq!(frame["payload"], json!({}));
    client.sim.stop().await;
}

#[tokio::test]
async fn an_unused_socket_is_closed() {
    let client = with_limits(Limits { unused_session: Duration::from_millis(30), ..quick() }).await;
    let mut socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    assert_eq!(socket.next().await, Err(4003));
    client.sim.stop().await;
}

#[tokio::test]
async fn a_client_that_talks_is_closed() {
    let client = Client::start().await;
    let mut socket = reader(&client).await;
    socket.stream.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await, Err(4001));
    assert_eq!(client.sim.conduits()[0].shards[0].status, Status::WebsocketReceivedInboundTraffic);
    assert!(!client.sim.chat_is_read(STREAMER));
    client.sim.stop().await;
}

#[tokio::test]
async fn both_sockets_are_served_during_a_reconnect() {
    let client = Client::start().await;
    let mut old = reader(&client).await;
    assert_eq!(client.sim.force_reconnect(), 1);
    let asked = old.next().await.unwrap();
    assert_eq!(asked["metadata"]["message_type"], "session_reconnect");
    let url = asked["payload"]["session"]["reconnect_url"].as_str().unwrap().to_owned();

    let mut new = Socket::open(&url).await;
    assert_eq!(new.session_id, old.session_id);
    client.sim.say(yes()).await;
    assert_eq!(old.next().await.unwrap(), new.next().await.unwrap());

    old.stream.close(None).await.unwrap();
    assert!(client.sim.wait_until(SOON, |sim| sim.open_sockets() == 1).await);
    assert_eq!(client.sim.say(yes()).await.deliveries, 1);
    assert!(new.next().await.is_ok());
    assert_eq!(client.sim.conduits()[0].shards[0].status, Status::Enabled);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_reconnect_needs_the_old_socket_and_the_right_address() {
    let client = Client::start().await;
    let mut old = reader(&client).await;
    let wrong = format!("{}?challenge=nonsense&id={}", client.sim.eventsub_ws_url(), old.session_id);
    assert_eq!(refusal(&wrong).await, 4007);

    client.sim.force_reconnect();
    let asked = old.next().await.unwrap();
    let url = asked["payload"]["session"]["reconnect_url"].as_str().unwrap().to_owned();
    old.stream.close(None).await.unwrap();
    assert!(client.sim.wait_until(SOON, |sim| sim.sessions().is_empty()).await);
    assert_eq!(refusal(&url).await, 4007);
    client.sim.stop().await;
}

async fn refusal(url: &str) -> u16 {
    let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut socket = Socket { stream, session_id: String::new() };
    socket.next().await.unwrap_err()
}

#[tokio::test]
async fn who_does_not_reconnect_is_closed() {
    let client = with_limits(Limits { reconnect_grace: Duration::from_millis(30), ..quick() }).await;
    let mut socket = reader(&client).await;
    client.sim.force_reconnect();
    assert!(socket.next().await.is_ok());
    assert_eq!(socket.next().await, Err(4004));
    assert_eq!(client.sim.conduits()[0].shards[0].status, Status::WebsocketFailedToReconnect);
    client.sim.stop().await;
}
