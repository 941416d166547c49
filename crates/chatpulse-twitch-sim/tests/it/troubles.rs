//! Troubles on order.

use std::time::{Duration, Instant};

use chatpulse_twitch_sim::{Endpoint, Fault, Limits, SimConfig, Status};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, SOON, STREAMER, Socket, quick};

const CONDUITS: &str = "/eventsub/conduits";

#[tokio::test]
async fn an_endpoint_fails_as_often_as_ordered() {
    let client = Client::start().await;
    let fault = Fault::status(429).header("Ratelimit-Remaining", "0");
    client.sim.fail_next(Endpoint::GetConduits, &fault, 2);
    let url = format!("{}{CONDUITS}", client.sim.api_url());
    let request = client.http.get(&url).bearer_auth(&client.token).header("Client-Id", &client.id);
    let failed = request.try_clone().unwrap().send().await.unwrap();
    assert_eq!(failed.status(), 429);
    assert_eq!(failed.headers()["ratelimit-remaining"], "0");
    assert_eq!(failed.headers()["ratelimit-limit"], "800");
    request.try_clone().unwrap().send().await.unwrap();
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(client.sim.calls(Endpoint::GetConduits), 3);
    client.sim.stop().await;
}

#[tokio::test]
async fn an_empty_bucket_is_answered_with_429() {
    let limits = Limits { points_per_minute: 2, ..quick() };
    let client = Client::with(SimConfig { limits, ..SimConfig::default() }).await;
    let statuses = [
        client.call(Method::GET, CONDUITS, Value::Null).await.0,
        client.call(Method::GET, CONDUITS, Value::Null).await.0,
        client.call(Method::GET, CONDUITS, Value::Null).await.0,
    ];
    assert_eq!(statuses, [200, 200, 429]);
    client.sim.stop().await;
}

#[tokio::test]
async fn answers_wait_for_the_latency() {
    let client = Client::start().await;
    client.sim.set_latency(Duration::from_millis(40));
    let asked = Instant::now();
    client.call(Method::GET, CONDUITS, Value::Null).await;
    assert!(asked.elapsed() >= Duration::from_millis(40));
    client.sim.stop().await;
}

#[tokio::test]
async fn sockets_are_closed_dropped_and_silenced() {
    let client = Client::with(SimConfig { keepalive_secs: 1, ..SimConfig::default() }).await;
    let url = client.sim.eventsub_ws_url();
    let mut closed = Socket::open(&url).await;
    assert_eq!(client.sim.close_sockets(4000), 1);
    assert_eq!(closed.next().await, Err(4000));

    let mut dropped = Socket::open(&url).await;
    assert_eq!(client.sim.drop_sockets(), 1);
    assert_eq!(dropped.next().await, Err(1006));

    let mut silent = Socket::open(&url).await;
    assert_eq!(client.sim.silence_sockets(), 1);
    let mut speaking = Socket::open(&url).await;
    assert!(speaking.next().await.is_ok());
    // The keepalive of the silenced one was due before that of the other.
    client.sim.close_sockets(4000);
    assert_eq!(silent.next().await, Err(4000));
    client.sim.stop().await;
}

#[tokio::test]
async fn a_revocation_reaches_the_socket_and_the_list() {
    let client = Client::start().await;
    client.grant_all();
    let conduit_id = client.conduit().await;
    let mut socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    client.assign(&conduit_id, socket.transport()).await;
    let (_, created) = client.subscribe(json!({ "method": "conduit", "conduit_id": conduit_id })).await;
    let id = created["data"][0]["id"].as_str().unwrap();

    assert!(client.sim.revoke_subscription(id, Status::ModeratorRemoved).await);
    let frame = socket.next().await.unwrap();
    assert_eq!(frame["metadata"]["message_type"], "revocation");
    assert_eq!(frame["payload"]["subscription"]["status"], "moderator_removed");
    let path = "/eventsub/subscriptions?status=moderator_removed";
    assert_eq!(client.call(Method::GET, path, Value::Null).await.1["data"][0]["id"], *id);
    assert!(!client.sim.revoke_subscription(id, Status::UserRemoved).await);
    assert!(!client.sim.wait_until_subscribed(STREAMER, Duration::from_millis(10)).await);
    client.sim.stop().await;
}

#[tokio::test]
async fn the_last_handle_takes_the_server_with_it() {
    let client = Client::start().await;
    let mut socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    let second_handle = client.sim.clone();
    drop(client);
    assert!(second_handle.wait_until(SOON, |sim| !sim.sessions().is_empty()).await);
    drop(second_handle);
    assert_eq!(socket.next().await, Err(1001));
}
