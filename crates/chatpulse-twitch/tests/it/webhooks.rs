//! Chat over a webhook: the challenge, signatures, and a shard that all instances share.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chatpulse_domain::ports::chat_sink::ChatSink as _;
use chatpulse_domain::ports::webhook_gate::{RawDelivery, Webhook, WebhookGate};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::subscription::ChatState;
use chatpulse_testkit::fakes::FakeSink;
use chatpulse_twitch::config::Transport;
use chatpulse_twitch::eventsub::gate::TwitchGate;
use chatpulse_twitch_sim::{Endpoint, Sim};
use tokio::net::TcpListener;

use crate::world::{Instance, SOON, World, eventually};

const SECRET: &str = "5f1a6e7cd2e7137ccf9e15b2f43fe639";

/// What the server behind the address works with.
#[derive(Clone)]
struct Door {
    gate: Arc<TwitchGate>,
    sink: FakeSink,
}

/// An address that nothing serves yet.
async fn listener() -> (TcpListener, Transport) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http://{}/webhooks/eventsub", listener.local_addr().unwrap());
    (listener, Transport::Webhook { callback, secret: Secret::new(SECRET) })
}

/// Opens the address, as the product's web server does.
fn serve(listener: TcpListener, instance: &Instance) {
    let gate = TwitchGate::new(&[Secret::new(SECRET)], instance.router.clone());
    let door = Door { gate: Arc::new(gate), sink: instance.sink.clone() };
    let app = move || {
        App::new().app_data(web::Data::new(door.clone())).route("/webhooks/eventsub", web::post().to(receive))
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    tokio::spawn(server.listen(listener.into_std().unwrap()).unwrap().run());
}

async fn receive(request: HttpRequest, body: web::Bytes, door: web::Data<Door>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let delivery = RawDelivery {
        message_id: header("Twitch-Eventsub-Message-Id"),
        timestamp: header("Twitch-Eventsub-Message-Timestamp"),
        signature: header("Twitch-Eventsub-Message-Signature"),
        message_type: header("Twitch-Eventsub-Message-Type"),
        subscription_type: header("Twitch-Eventsub-Subscription-Type"),
        body: &body,
    };
    match door.gate.open(&delivery) {
        Ok(Webhook::Challenge(text)) => HttpResponse::Ok().content_type("text/plain").body(text),
        Ok(Webhook::Chat(delivery)) => {
            door.sink.receive(delivery).await;
            HttpResponse::NoContent().finish()
        }
        Ok(Webhook::Handled) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::Forbidden().finish(),
    }
}

#[tokio::test]
async fn the_shard_is_enabled_once_the_challenge_is_answered_and_then_chat_arrives() {
    let world = World::start().await;
    let (listener, transport) = listener().await;
    let instance = world.instance_by(true, &transport);
    // Twitch's challenge waits for whoever accepts the connection.
    assert!(world.sim.wait_until(SOON, |sim| sim.calls(Endpoint::UpdateShards) == 1).await);
    assert!(!instance.feed.is_connected());
    serve(listener, &instance);
    instance.read_chat();
    instance.becomes(ChatState::Reading).await;
    assert_eq!(world.say("yes").await, 1);
    assert_eq!(instance.hears(1).await, ["yes"]);
}

#[tokio::test]
async fn a_new_leader_points_the_shared_shard_at_the_address_again() {
    let world = World::start().await;
    let (listener, transport) = listener().await;
    let leader = world.instance_by(true, &transport);
    serve(listener, &leader);
    eventually("the leader is connected", async || leader.feed.is_connected()).await;
    let other = world.instance_by(false, &transport);
    eventually("the other one finds the shard enabled", async || other.feed.is_connected()).await;
    assert_eq!(world.sim.calls(Endpoint::UpdateShards), 1);
    leader.leader.set(false);
    other.leader.set(true);
    let assigned_again = |sim: &Sim| sim.calls(Endpoint::UpdateShards) == 2;
    assert!(world.sim.wait_until(SOON, assigned_again).await);
    eventually("the new leader is connected", async || other.feed.is_connected()).await;
}
