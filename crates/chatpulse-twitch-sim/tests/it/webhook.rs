//! Chat over webhooks: challenge, signature, resends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chatpulse_twitch_sim::{ChatLine, Chatter, Limits, Sim, SimConfig, Status};
use ring::hmac;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::client::{BOT, Client, SOON, STREAMER, quick};

const SECRET: &str = "5f1a6e7cd2e7137ccf9e15b2f43fe639";

/// A message that arrived with a good signature.
struct Received {
    id: String,
    retry: String,
    kind: String,
    body: Value,
}

/// A webhook that checks signatures, echoes challenges, and answers the rest with `status`.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    inbox: mpsc::Receiver<Received>,
}

#[derive(Clone)]
struct Desk {
    status: Arc<AtomicU16>,
    arrived: mpsc::Sender<Received>,
}

impl Receiver {
    fn start() -> Self {
        let (arrived, inbox) = mpsc::channel(64);
        let status = Arc::new(AtomicU16::new(204));
        let desk = Desk { status: Arc::clone(&status), arrived };
        let app = move || {
            App::new().app_data(web::Data::new(desk.clone())).route("/eventsub", web::post().to(receive))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/eventsub", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, status, inbox }
    }

    fn transport(&self) -> Value {
        json!({ "method": "webhook", "callback": self.url, "secret": SECRET })
    }

    async fn next(&mut self) -> Received {
        timeout(SOON, self.inbox.recv()).await.expect("a message in time").unwrap()
    }
}

async fn receive(request: HttpRequest, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let id = header("Twitch-Eventsub-Message-Id");
    let signed = [id.as_bytes(), header("Twitch-Eventsub-Message-Timestamp").as_bytes(), &body].concat();
    let hex = header("Twitch-Eventsub-Message-Signature").strip_prefix("sha256=").unwrap();
    let tag: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    if hmac::verify(&key, &signed, &tag).is_err() {
        return HttpResponse::Forbidden().finish();
    }
    let kind = header("Twitch-Eventsub-Message-Type").to_owned();
    let retry = header("Twitch-Eventsub-Message-Retry").to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let challenge = body["challenge"].as_str().map(str::to_owned);
    desk.arrived.send(Received { id: id.to_owned(), retry, kind, body }).await.unwrap();
    if let Some(challenge) = challenge {
        return HttpResponse::Ok().content_type("text/plain").body(challenge);
    }
    let status = desk.status.load(Ordering::SeqCst);
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}

fn yes() -> ChatLine {
    ChatLine::new(STREAMER, Chatter::named("Ada"), "yes")
}

/// A client that reads the streamer's chat through a conduit with one webhook.
async fn reader(client: &Client) -> Receiver {
    client.grant_all();
    let mut receiver = Receiver::start();
    let conduit_id = client.conduit().await;
    let assigned = client.assign(&conduit_id, receiver.transport()).await;
    assert_eq!(assigned["data"][0]["status"], "webhook_callback_verification_pending");
    assert_eq!(assigned["data"][0]["transport"].get("secret"), None);

    let challenge = receiver.next().await;
    assert_eq!(challenge.kind, "webhook_callback_verification");
    assert_eq!(challenge.body["conduit_shard"], json!({ "conduit_id": conduit_id, "shard": "0" }));
    let (status, _) = client.subscribe(json!({ "method": "conduit", "conduit_id": conduit_id })).await;
    assert_eq!(status, 202);
    assert!(client.sim.wait_until_subscribed(STREAMER, SOON).await);
    receiver
}

#[tokio::test]
async fn a_line_arrives_signed_after_the_challenge() {
    let client = Client::start().await;
    let mut receiver = reader(&client).await;
    let delivered = client.sim.say(yes()).await;
    let message = receiver.next().await;
    assert_eq!((&*message.kind, &*message.retry), ("notification", "0"));
    assert_eq!(message.body["event"]["message_id"], *delivered.message_id);
    assert_eq!(message.body["subscription"]["transport"]["method"], "conduit");
    client.sim.stop().await;
}

#[tokio::test]
async fn a_refused_line_comes_again_with_the_same_id() {
    let client = Client::start().await;
    let mut receiver = reader(&client).await;
    receiver.status.store(500, Ordering::SeqCst);
    client.sim.say(yes()).await;
    let first = receiver.next().await;
    let second = receiver.next().await;
    assert_eq!((&*second.retry, &second.id), ("1", &first.id));
    assert_eq!(second.body, first.body);
    assert!(client.sim.wait_until(SOON, |sim| sim.webhook_failures().len() == 3).await);
    assert_eq!(client.sim.webhook_failures()[0].reason, "500");
    client.sim.stop().await;
}

#[tokio::test]
async fn too_many_failures_disable_the_shard() {
    let limits = Limits { webhook_attempts: 1, webhook_failures_max: 2, ..quick() };
    let client = Client::with(SimConfig { limits, ..SimConfig::default() }).await;
    let receiver = reader(&client).await;
    receiver.status.store(503, Ordering::SeqCst);
    client.sim.say(yes()).await;
    client.sim.say(yes()).await;
    let failed = Status::NotificationFailuresExceeded;
    let is_lost = |sim: &Sim| sim.conduits()[0].shards[0].status == failed;
    assert!(client.sim.wait_until(SOON, is_lost).await);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_webhook_that_does_not_echo_is_not_enabled() {
    let client = Client::start().await;
    let conduit_id = client.conduit().await;
    let silent = json!({ "method": "webhook", "callback": "https://nobody.example/", "secret": SECRET });
    client.assign(&conduit_id, silent).await;
    let failed = Status::WebhookCallbackVerificationFailed;
    let is_failed = |sim: &Sim| sim.conduits()[0].shards[0].status == failed;
    assert!(client.sim.wait_until(SOON, is_failed).await);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_direct_subscription_is_challenged_and_can_be_revoked() {
    let client = Client::start().await;
    client.grant_all();
    let mut receiver = Receiver::start();
    let (status, answer) = client.subscribe(receiver.transport()).await;
    assert_eq!(status, 202);
    assert_eq!(answer["data"][0]["status"], "webhook_callback_verification_pending");
    assert_eq!(receiver.next().await.body["subscription"]["id"], answer["data"][0]["id"]);
    assert!(client.sim.wait_until_subscribed(STREAMER, SOON).await);

    assert_eq!(client.sim.disconnect_user(BOT).await, 1);
    let revocation = receiver.next().await;
    assert_eq!(revocation.kind, "revocation");
    assert_eq!(revocation.body["subscription"]["status"], "authorization_revoked");
    assert_eq!(revocation.body.get("event"), None);
    client.sim.stop().await;
}
