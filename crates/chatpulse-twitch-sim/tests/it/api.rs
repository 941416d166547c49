//! The rules of the API: conduits, shards, subscriptions and users.

use chatpulse_twitch_sim::{Limits, Sim, SimConfig, Status};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{BOT, Client, STREAMER, Socket, chat, quick};

const SUBSCRIPTIONS: &str = "/eventsub/subscriptions";
const CONDUITS: &str = "/eventsub/conduits";

fn through(conduit_id: &str) -> Value {
    json!({ "method": "conduit", "conduit_id": conduit_id })
}

#[tokio::test]
async fn the_sixth_conduit_is_one_too_many() {
    let client = Client::start().await;
    for _ in 0..5 {
        client.conduit().await;
    }
    let (status, body) = client.call(Method::POST, CONDUITS, json!({ "shard_count": 1 })).await;
    assert_eq!((status, &body["message"]), (429, &json!("Conduit limit reached")));
    let (_, list) = client.call(Method::GET, CONDUITS, Value::Null).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 5);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_conduit_can_grow_and_go() {
    let client = Client::start().await;
    let id = client.conduit().await;
    let (_, grown) = client.call(Method::PATCH, CONDUITS, json!({ "id": id, "shard_count": 3 })).await;
    assert_eq!(grown["data"][0]["shard_count"], 3);
    client.grant_all();
    client.subscribe(through(&id)).await;
    let (status, _) = client.call(Method::DELETE, &format!("{CONDUITS}?id={id}"), Value::Null).await;
    assert_eq!(status, 204);
    assert_eq!(client.sim.subscriptions()[0].status, Status::ConduitDeleted);
    let (status, _) = client.call(Method::DELETE, &format!("{CONDUITS}?id={id}"), Value::Null).await;
    assert_eq!(status, 404);
    client.sim.stop().await;
}

#[tokio::test]
async fn shards_are_refused_one_by_one() {
    let client = Client::start().await;
    let conduit_id = client.conduit().await;
    let socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    let gone = json!({ "method": "websocket", "session_id": "nobody" });
    let short = json!({ "method": "webhook", "callback": "http://127.0.0.1:1/", "secret": "short" });
    let shards = json!([
        { "id": "0", "transport": socket.transport() },
        { "id": "3", "transport": socket.transport() },
        { "id": "0", "transport": gone },
        { "id": "0", "transport": short },
    ]);
    let path = "/eventsub/conduits/shards";
    let body = json!({ "conduit_id": conduit_id, "shards": shards });
    let (status, answer) = client.call(Method::PATCH, path, body).await;
    assert_eq!(status, 202);
    assert_eq!(answer["data"][0]["transport"]["session_id"], *socket.session_id);
    let messages: Vec<&str> = (0..3).map(|at| answer["errors"][at]["message"].as_str().unwrap()).collect();
    assert_eq!(
        messages,
        [
            "The shard id is outside the conduit's range",
            "The websocket session is not connected",
            "The secret must be from 10 to 100 ASCII characters",
        ]
    );

    let (_, list) = client.call(Method::GET, &format!("{path}?conduit_id={conduit_id}"), Value::Null).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["pagination"], json!({}));
    let unknown = json!({ "conduit_id": "nonsense", "shards": [] });
    assert_eq!(client.call(Method::PATCH, path, unknown).await.0, 404);
    client.sim.stop().await;
}

#[tokio::test]
async fn chat_needs_the_reader_and_the_channel() {
    let client = Client::start().await;
    let conduit_id = client.conduit().await;
    let (status, body) = client.subscribe(through(&conduit_id)).await;
    assert_eq!((status, &body["message"]), (403, &json!("subscription missing proper authorization")));

    client.sim.grant(BOT, &["user:read:chat", "user:bot"]);
    assert_eq!(client.subscribe(through(&conduit_id)).await.0, 403);
    client.sim.make_moderator(STREAMER, BOT);
    assert_eq!(client.subscribe(through(&conduit_id)).await.0, 202);
    client.sim.stop().await;
}

#[tokio::test]
async fn the_same_twice_is_a_conflict_and_four_are_too_many() {
    let client = Client::start().await;
    client.grant_all();
    let conduits =
        [client.conduit().await, client.conduit().await, client.conduit().await, client.conduit().await];
    let (_, first) = client.subscribe(through(&conduits[0])).await;
    let (status, body) = client.subscribe(through(&conduits[0])).await;
    assert_eq!((status, &body["id"]), (409, &first["data"][0]["id"]));
    assert_eq!(client.subscribe(through(&conduits[1])).await.0, 202);
    assert_eq!(client.subscribe(through(&conduits[2])).await.0, 202);
    let (status, body) = client.subscribe(through(&conduits[3])).await;
    assert_eq!(status, 429);
    assert_eq!(body["message"], "maximum subscriptions with type and condition exceeded");

    let id = first["data"][0]["id"].as_str().unwrap();
    assert!(client.sim.revoke_subscription(id, Status::ChatUserBanned).await);
    assert_eq!(client.subscribe(through(&conduits[3])).await.0, 202);
    client.sim.stop().await;
}

#[tokio::test]
async fn each_transport_wants_its_token() {
    let client = Client::start().await;
    client.grant_all();
    let conduit_id = client.conduit().await;
    let socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    let (status, body) = client.subscribe(socket.transport()).await;
    assert_eq!((status, &body["message"]), (400, &json!("invalid transport and auth combination")));

    let bot = client.user_token(BOT, "user:read:chat").await;
    let bot = bot["access_token"].as_str().unwrap();
    let wrong = client.call_as(bot, Method::POST, SUBSCRIPTIONS, chat(&through(&conduit_id))).await;
    assert_eq!(wrong.0, 400);
    let right = client.call_as(bot, Method::POST, SUBSCRIPTIONS, chat(&socket.transport())).await;
    assert_eq!(right.0, 202);

    let streamer = client.user_token(STREAMER, "user:read:chat").await;
    let condition = json!({ "broadcaster_user_id": STREAMER, "user_id": STREAMER });
    let mut second = chat(&socket.transport());
    second["condition"] = condition;
    let token = streamer["access_token"].as_str().unwrap();
    let (status, body) = client.call_as(token, Method::POST, SUBSCRIPTIONS, second).await;
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("different users"));
    client.sim.stop().await;
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let limits = Limits { page_size: 1, ..quick() };
    let client = Client::with(SimConfig { limits, ..SimConfig::default() }).await;
    client.grant_all();
    let (one, two) = (client.conduit().await, client.conduit().await);
    client.subscribe(through(&one)).await;
    client.subscribe(through(&two)).await;

    let (_, first) = client.call(Method::GET, SUBSCRIPTIONS, Value::Null).await;
    assert_eq!((first["data"].as_array().unwrap().len(), &first["total"]), (1, &json!(2)));
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    let next = format!("{SUBSCRIPTIONS}?after={cursor}");
    let (_, second) = client.call(Method::GET, &next, Value::Null).await;
    assert_ne!(second["data"][0]["id"], first["data"][0]["id"]);
    assert_eq!(second["pagination"], json!({}));

    let filter = format!("{SUBSCRIPTIONS}?conduit_id={two}");
    let (_, found) = client.call(Method::GET, &filter, Value::Null).await;
    assert_eq!(found["data"][0]["transport"]["conduit_id"], *two);
    let both = format!("{SUBSCRIPTIONS}?conduit_id={two}&user_id={BOT}");
    assert_eq!(client.call(Method::GET, &both, Value::Null).await.0, 400);

    let id = found["data"][0]["id"].as_str().unwrap();
    let delete = format!("{SUBSCRIPTIONS}?id={id}");
    assert_eq!(client.call(Method::DELETE, &delete, Value::Null).await.0, 204);
    assert_eq!(client.call(Method::DELETE, &delete, Value::Null).await.0, 404);
    client.sim.stop().await;
}

#[tokio::test]
async fn users_are_found_by_id_login_and_token() {
    let client = Client::start().await;
    let path = format!("/users?id={STREAMER}&login=chatpulse_bot&id=404");
    let (status, answer) = client.call(Method::GET, &path, Value::Null).await;
    assert_eq!((status, answer["data"].as_array().unwrap().len()), (200, 2));
    assert_eq!(client.call(Method::GET, "/users", Value::Null).await.0, 400);

    let token = client.user_token(STREAMER, "").await;
    let token = token["access_token"].as_str().unwrap();
    let (_, own) = client.call_as(token, Method::GET, "/users", Value::Null).await;
    assert_eq!(own["data"][0]["display_name"], "Streamer");
    let picture = own["data"][0]["profile_image_url"].as_str().unwrap();
    let picture = client.http.get(picture).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    client.sim.stop().await;
}

#[tokio::test]
async fn a_lost_shard_is_told_over_another_way() {
    let client = Client::start().await;
    let (watched, watching) = (client.conduit().await, client.conduit().await);
    let mut ears = Socket::open(&client.sim.eventsub_ws_url()).await;
    client.assign(&watching, ears.transport()).await;
    let body = json!({
        "type": "conduit.shard.disabled", "version": "1",
        "condition": { "client_id": client.id, "conduit_id": watched },
        "transport": through(&watching),
    });
    assert_eq!(client.call(Method::POST, SUBSCRIPTIONS, body).await.0, 202);

    let mut lost = Socket::open(&client.sim.eventsub_ws_url()).await;
    client.assign(&watched, lost.transport()).await;
    lost.stream.close(None).await.unwrap();
    let frame = ears.next().await.unwrap();
    let event = &frame["payload"]["event"];
    assert_eq!((&event["shard_id"], &event["status"]), (&json!("0"), &json!("websocket_disconnected")));
    assert_eq!(event["transport"]["session_id"], *lost.session_id);
    assert!(event["transport"]["disconnected_at"].is_string());
    client.sim.stop().await;
}

#[tokio::test]
async fn events_of_other_types_can_be_pushed() {
    let client = Client::start().await;
    let conduit_id = client.conduit().await;
    let mut socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    client.assign(&conduit_id, socket.transport()).await;
    let body = json!({
        "type": "stream.online", "version": "1",
        "condition": { "broadcaster_user_id": STREAMER },
        "transport": through(&conduit_id),
    });
    let (_, answer) = client.call(Method::POST, SUBSCRIPTIONS, body).await;
    assert_eq!(answer["data"][0]["cost"], 1);
    let sim: &Sim = &client.sim;
    let elsewhere = json!({ "id": "9001", "broadcaster_user_id": "99" });
    assert_eq!(sim.push_event("stream.online", &elsewhere).await, 0);
    let here = json!({ "id": "9002", "broadcaster_user_id": STREAMER });
    assert_eq!(sim.push_event("stream.online", &here).await, 1);
    assert_eq!(socket.next().await.unwrap()["payload"]["event"]["id"], "9002");
    client.sim.stop().await;
}
