//! Sends every sample text frame to the server over an EventSub socket.

use chatpulse_twitch_sim::Sim;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::{file_name, read_json, read_text, risen, sample, samples_of_kind};
use crate::support::chat::{Line, chat_subscription, now};
use crate::support::metrics::Metrics;
use crate::support::server::Server;
use crate::support::streamer::Streamer;
use crate::support::world::{STREAMER, setup_for, sim_config};
use crate::support::{SOON, eventually};

/// Twitch's end of an EventSub socket, driven by the test.
struct TwitchSocket {
    stream: WebSocketStream<TcpStream>,
}

impl TwitchSocket {
    async fn accept(listener: &TcpListener, welcome: &str) -> Self {
        let (stream, _) = timeout(SOON, listener.accept()).await.expect("a connection").unwrap();
        let mut socket = Self { stream: accept_async(stream).await.unwrap() };
        socket.send(welcome).await;
        socket
    }

    async fn send(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.unwrap();
    }

    /// Whether the client closes the socket without sending anything else.
    async fn is_closed_by_client(&mut self) -> bool {
        let ended = timeout(SOON, self.stream.next()).await;
        matches!(ended, Ok(None | Some(Ok(Message::Close(_)) | Err(_))))
    }
}

fn notification(chatter: &str) -> String {
    let line = Line::new(chatter, "yes");
    json!({
        "metadata": {
            "message_id": uuid::Uuid::new_v4().to_string(),
            "message_type": "notification",
            "message_timestamp": now(),
            "subscription_type": "channel.chat.message",
            "subscription_version": "1",
        },
        "payload": { "subscription": chat_subscription("enabled"), "event": line.event },
    })
    .to_string()
}

/// The metric labels that one frame raises.
fn expected_labels(frame: &Value) -> Vec<&'static str> {
    let metadata = &frame["metadata"];
    match (metadata["message_type"].as_str().unwrap(), metadata["subscription_type"].as_str()) {
        ("notification", Some("channel.chat.message")) => vec!["stale"],
        ("notification", Some("stream.online")) => vec!["stream.online"],
        ("notification", _) => vec!["other"],
        ("revocation", _) => vec!["revocation"],
        _ => vec![],
    }
}

#[tokio::test]
async fn every_socket_frame_of_the_samples_is_handled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("TWITCH_EVENTSUB_WS_URL", format!("ws://{address}/ws"));
    let server = Server::start(setup).await;
    let frame = |name: &str| read_text(&sample(name));
    let mut twitch = TwitchSocket::accept(&listener, &frame("ws-welcome-recovery-url.json")).await;
    let streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let mut overlay = streamer.open_overlay(&server).await;
    overlay.next_value().await;

    let frames = samples_of_kind("websocket text frame");
    assert!(frames.len() >= 12, "only {} frames", frames.len());
    for (number, (file, _)) in frames.into_iter().enumerate() {
        let name = file_name(&file);
        let text = read_text(&file);
        let parsed: Value = serde_json::from_str(&text).unwrap();
        let before = Metrics::of(&server).await;
        if parsed["metadata"]["message_type"] == "session_reconnect" {
            // The test's own address replaces the one in the sample.
            let known = parsed["payload"]["session"]["reconnect_url"].as_str().unwrap();
            twitch.send(&text.replace(known, &format!("ws://{address}/ws?challenge=a"))).await;
            let successor = TwitchSocket::accept(&listener, &frame("ws-welcome-after-reconnect.json")).await;
            assert!(twitch.is_closed_by_client().await, "the old socket is closed after the welcome");
            twitch = successor;
        } else {
            twitch.send(&text).await;
        }
        // A vote that follows is still counted.
        twitch.send(&notification(&format!("probe{number}"))).await;
        let applied = |metrics: &Metrics| metrics.value("vote_processing_total", &[("result", "applied")]);
        eventually(&name, async || {
            (applied(&Metrics::of(&server).await) > applied(&before) + 0.5).then_some(())
        })
        .await;
        let mut risen = risen(&server, &before).await;
        risen.remove("applied");
        let labels: Vec<&str> = risen.keys().map(String::as_str).collect();
        assert_eq!(labels, expected_labels(&parsed), "{name}");
    }
    assert!(!server.log.text().contains("panick"));
}

#[test]
fn the_close_codes_of_the_samples_are_those_that_the_tests_close_with() {
    let codes = read_json(&sample("ws-close-codes.json"));
    let codes: Vec<u64> =
        codes.as_array().unwrap().iter().map(|code| code["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, (4000..=4007).collect::<Vec<_>>(), "twitch/socket.rs closes sockets with these");
}
