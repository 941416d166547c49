//! Every shape of message that Twitch is known to send: fixtures of our own through both transports, and the
//! collection that may lie beside the checkout, file by file, through the running server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chatpulse_twitch_sim::{Endpoint, Fault, Sim};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::support::browser::Browser;
use crate::support::chat::{Line, Post, Signature, chat_subscription, now};
use crate::support::metrics::Metrics;
use crate::support::server::{Server, Setup};
use crate::support::streamer::{Form, Streamer, agree};
use crate::support::world::{BOT, STREAMER, World, setup_for, sim_config};
use crate::support::{SOON, eventually};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/twitch");

fn read_json(path: &Path) -> Value {
    let text = fs::read(path).unwrap();
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Name, stated outcome, event.
fn fixtures() -> Vec<(String, String, Value)> {
    let mut all: Vec<_> = fs::read_dir(FIXTURES)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let fixture = read_json(&path);
            let outcome = fixture["outcome"].as_str().unwrap().to_owned();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, outcome, fixture["event"].clone())
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(all.len() > 30, "only {} fixtures", all.len());
    all
}

async fn with_triggers(world: &World) -> Streamer {
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().and("for_trigger", "PogChamp").and("for_trigger", "votes yes")).await;
    streamer
}

#[tokio::test]
async fn every_shape_of_message_has_its_outcome_by_webhook() {
    let world = World::webhook().await;
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    for (name, outcome, event) in fixtures() {
        let line = Line { event };
        assert_eq!(world.outcome(&line).await, outcome, "{name}");
    }
}

#[tokio::test]
async fn every_shape_of_message_has_its_outcome_by_eventsub_socket() {
    let world = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
    world.sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    assert!(world.sim.wait_until_subscribed(STREAMER, SOON).await);
    for (name, outcome, event) in fixtures() {
        let before = world.metrics().await;
        let sent = world.sim.push_event("channel.chat.message", &event).await;
        assert_eq!(sent, 1, "{name}");
        let all = before.sum("vote_processing_total");
        let after = eventually(&name, async || {
            let metrics = world.metrics().await;
            (metrics.sum("vote_processing_total") > all + 0.5).then_some(metrics)
        })
        .await;
        let count = |metrics: &Metrics| metrics.value("vote_processing_total", &[("result", &outcome)]);
        assert!(count(&after) > count(&before), "{name} is not {outcome}");
    }
}

/// The collection beside the checkout, if it is there. Its absence is said.
#[expect(clippy::print_stdout, reason = "the test's output is where it is looked for")]
fn beside() -> Option<PathBuf> {
    let folder = PathBuf::from(BESIDE);
    if folder.join("samples/index.json").exists() {
        return Some(folder);
    }
    println!("There is no ../shared/twitch beside this checkout: only the fixtures of our own were run.");
    None
}

/// Files of the index whose kind begins like this, with their entries.
fn listed(folder: &Path, kind: &str) -> Vec<(PathBuf, Value)> {
    let index = read_json(&folder.join("samples/index.json"));
    let entries = index.as_array().unwrap().iter();
    entries
        .filter(|entry| entry["kind"].as_str().unwrap().starts_with(kind))
        .map(|entry| {
            let file = folder.join("samples").join(entry["file"].as_str().unwrap());
            (file, entry.clone())
        })
        .collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// What one delivery changed.
async fn changes(server: &Server, before: &Metrics) -> BTreeMap<String, f64> {
    let after = Metrics::of(server).await;
    let mut rose = BTreeMap::new();
    for series in after.series() {
        let counted = ["vote_processing_total", "eventsub_notifications_total"].contains(&series.name);
        if counted && series.value > before.value(series.name, &series.labels) {
            rose.insert(series.labels[0].1.to_owned(), series.value);
        }
    }
    rose
}

/// The word that one delivery has to be counted under.
fn expected_word(body: &Value, entry: &Value) -> Vec<&'static str> {
    let kind = body["subscription"]["type"].as_str().unwrap_or_default();
    if kind != "channel.chat.message" {
        let known = [
            "conduit.shard.disabled",
            "user.authorization.grant",
            "user.authorization.revoke",
            "stream.online",
            "stream.offline",
            "channel.chat.message_delete",
            "channel.chat.clear_user_messages",
            "channel.chat.clear",
        ];
        return vec![known.into_iter().find(|known| *known == kind).unwrap_or("other")];
    }
    let text = body["event"]["message"]["text"].as_str().unwrap_or_default();
    let expect = &entry["expect"];
    let clean = expect["clean_text"].as_str().or(expect["vote_text_after_strip"].as_str());
    let ours = body["event"]["source_broadcaster_user_id"].is_null() && expect["ignore"] != true;
    // All of them are one chatter's, so that a vote within a second of another is debounced.
    if ours && ["yes", "votes yes", "PogChamp"].contains(&clean.unwrap_or(text)) {
        vec!["applied", "debounced"]
    } else {
        vec!["no_match"]
    }
}

#[tokio::test]
async fn every_webhook_body_of_the_collection_goes_through() {
    let Some(folder) = beside() else { return };
    let signed = read_json(&folder.join("samples/signed-requests.json"));
    let secret = signed[0]["secret"].as_str().unwrap();
    let world = World::webhook_with(|setup| setup.set("WEBHOOK_SECRET", secret)).await;
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    let (mut fresh, mut stale) = (0, 0);
    for (file, entry) in listed(&folder, "webhook body: ") {
        let name = name_of(&file);
        let body = fs::read(&file).unwrap();
        let message_type = entry["kind"].as_str().unwrap().trim_start_matches("webhook body: ");
        let parsed: Value = serde_json::from_slice(&body).unwrap();
        let post = Post {
            secret: secret.to_owned(),
            subscription_type: parsed["subscription"]["type"].as_str().map(str::to_owned),
            ..Post::new(message_type, body)
        };
        let before = world.metrics().await;
        let answer = post.send(&world.server).await;
        let rose = changes(&world.server, &before).await;
        match message_type {
            "webhook_callback_verification" => {
                assert_eq!(
                    (answer.status, answer.body.as_str()),
                    (200, parsed["challenge"].as_str().unwrap())
                );
                assert!(answer.header("content-type").starts_with("text/plain"));
            }
            "notification" => {
                assert_eq!(answer.status, 204, "{name}");
                let words = expected_word(&parsed, &entry);
                assert_eq!(rose.len(), 1, "{name}: {rose:?}");
                assert!(words.iter().any(|word| rose.contains_key(*word)), "{name}: {rose:?}, not {words:?}");
            }
            _ => {
                assert_eq!(answer.status, 204, "{name}");
                let words: Vec<&str> = rose.keys().map(String::as_str).collect();
                let expected: &[&str] = if message_type == "revocation" { &["revocation"] } else { &[] };
                assert_eq!(words, expected, "{name}");
            }
        }
        fresh += 1;
    }
    for request in signed.as_array().unwrap() {
        stale += 1;
        let file = folder.join("samples").join(request["body_file"].as_str().unwrap());
        let text = |name: &str| request["headers"][name].as_str().map(str::to_owned);
        let post = Post {
            secret: secret.to_owned(),
            message_id: text("Twitch-Eventsub-Message-Id"),
            timestamp: text("Twitch-Eventsub-Message-Timestamp"),
            message_type: text("Twitch-Eventsub-Message-Type"),
            subscription_type: text("Twitch-Eventsub-Subscription-Type"),
            signature: Signature::given(text("Twitch-Eventsub-Message-Signature")),
            body: fs::read(&file).unwrap(),
        };
        let before = world.metrics().await;
        let answer = post.send(&world.server).await;
        let rose = changes(&world.server, &before).await;
        let name = name_of(&file);
        let is_challenge = post.message_type.as_deref() == Some("webhook_callback_verification");
        assert_eq!(answer.status, if is_challenge { 200 } else { 204 }, "{name}");
        if post.message_type.as_deref() == Some("notification")
            && post.subscription_type.as_deref() == Some("channel.chat.message")
        {
            assert_eq!(rose.keys().collect::<Vec<_>>(), ["stale"], "{name}");
        }
    }
    assert!(!world.server.log.text().contains("panick"));
    println!("{fresh} webhook bodies were signed anew, and {stale} signed requests went as they are.");
    assert!(fresh >= 50 && stale >= 50);
}

#[tokio::test]
async fn every_signature_of_the_collection_is_judged_rightly() {
    let Some(folder) = beside() else { return };
    let all = read_json(&folder.join("signature-vectors.json"));
    let (vectors, negative) = (all["vectors"].as_array().unwrap(), all["negative"].as_array().unwrap());
    let text = |vector: &Value, name: &str| vector[name].as_str().map(str::to_owned);
    let post = |vector: &Value, signature: &str| Post {
        secret: text(vector, "secret").unwrap(),
        message_id: text(vector, "message_id"),
        timestamp: text(vector, "timestamp"),
        signature: Signature::given(text(vector, signature)),
        body: BASE64.decode(vector["body_base64"].as_str().unwrap()).unwrap(),
        ..Post::notification("channel.chat.message", "")
    };
    let secrets: BTreeSet<&str> =
        vectors.iter().chain(negative).map(|vector| vector["secret"].as_str().unwrap()).collect();
    for secret in &secrets {
        let server = Server::start_with(|port| {
            crate::support::world::with_webhook(Setup::minimal(), port).set("WEBHOOK_SECRET", *secret)
        })
        .await;
        for vector in vectors.iter().filter(|vector| vector["secret"] == **secret) {
            let answer = post(vector, "signature").send(&server).await;
            let name = &vector["name"];
            // One of them has a timestamp that is none, to show where id and timestamp meet.
            let no_time = vector["timestamp"].as_str().unwrap().starts_with('c');
            assert_eq!(answer.status, if no_time { 400 } else { 204 }, "{name}: {answer:?}");
        }
        for vector in negative.iter().filter(|vector| vector["secret"] == **secret) {
            let answer = post(vector, "signature_header").send(&server).await;
            assert!([400, 403].contains(&answer.status), "{}: {answer:?}", vector["name"]);
        }
        let live = server.http.get(server.url("/health/live")).send().await.unwrap();
        assert_eq!(live.status(), 200);
    }
    println!(
        "{} good and {} bad signatures were judged, with {} secrets.",
        vectors.len(),
        negative.len(),
        secrets.len()
    );
}

/// Twitch's end of an EventSub socket, by hand.
struct TwitchSocket {
    stream: WebSocketStream<TcpStream>,
}

impl TwitchSocket {
    async fn accept(listener: &TcpListener, welcome: &str) -> Self {
        let (stream, _) = timeout(SOON, listener.accept()).await.expect("a connection").unwrap();
        let mut socket = Self { stream: accept_async(stream).await.unwrap() };
        socket.say(welcome).await;
        socket
    }

    async fn say(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.unwrap();
    }

    /// The client says nothing but goodbye.
    async fn hung_up(&mut self) -> bool {
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

#[tokio::test]
async fn every_socket_frame_of_the_collection_goes_through() {
    let Some(folder) = beside() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("TWITCH_EVENTSUB_WS_URL", format!("ws://{address}/ws"));
    let server = Server::start(setup).await;
    let frame = |name: &str| fs::read_to_string(folder.join("samples").join(name)).unwrap();
    let mut twitch = TwitchSocket::accept(&listener, &frame("ws-welcome-recovery-url.json")).await;
    let streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let mut overlay = streamer.open_overlay(&server).await;
    overlay.next_value().await;

    let mut run = 1;
    let mut voters = 0;
    for (file, _) in listed(&folder, "websocket text frame") {
        let name = name_of(&file);
        let text = fs::read_to_string(&file).unwrap();
        let parsed: Value = serde_json::from_str(&text).unwrap();
        let before = Metrics::of(&server).await;
        let message_type = parsed["metadata"]["message_type"].as_str().unwrap();
        if message_type == "session_reconnect" {
            // The address of a test server stands in for the one that was captured.
            let known = parsed["payload"]["session"]["reconnect_url"].as_str().unwrap();
            twitch.say(&text.replace(known, &format!("ws://{address}/ws?challenge=a"))).await;
            let successor = TwitchSocket::accept(&listener, &frame("ws-welcome-after-reconnect.json")).await;
            assert!(twitch.hung_up().await, "the old one is closed after the welcome");
            twitch = successor;
            run += 1;
        } else {
            twitch.say(&text).await;
        }
        // What comes after it is read as ever.
        voters += 1;
        twitch.say(&notification(&format!("probe{voters}"))).await;
        let applied = |metrics: &Metrics| metrics.value("vote_processing_total", &[("result", "applied")]);
        eventually(&name, async || {
            (applied(&Metrics::of(&server).await) > applied(&before) + 0.5).then_some(())
        })
        .await;
        let mut rose = changes(&server, &before).await;
        rose.remove("applied");
        let words: Vec<&str> = rose.keys().map(String::as_str).collect();
        let expected = match (message_type, parsed["metadata"]["subscription_type"].as_str()) {
            ("notification", Some("channel.chat.message")) => vec!["stale"],
            ("notification", Some("stream.online")) => vec!["stream.online"],
            ("notification", _) => vec!["other"],
            ("revocation", _) => vec!["revocation"],
            _ => vec![],
        };
        assert_eq!(words, expected, "{name}");
        run += 1;
    }
    let codes = read_json(&folder.join("samples/ws-close-codes.json"));
    let codes: Vec<u64> =
        codes.as_array().unwrap().iter().map(|code| code["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, (4000..=4007).collect::<Vec<_>>(), "these are what `twitch.rs` closes sockets with");
    assert!(!server.log.text().contains("panick"));
    println!("{run} frames of the EventSub socket went through, and {} close codes are known.", codes.len());
}

/// Where the product asks the question that this file answers.
fn endpoint_of(name: &str) -> Endpoint {
    let places = [
        ("helix-users", Endpoint::GetUsers),
        ("helix-conduits-get", Endpoint::GetConduits),
        ("helix-conduits-create", Endpoint::CreateConduit),
        // The product never resizes its conduit: this stands where it asks for it.
        ("helix-conduits-update", Endpoint::GetConduits),
        ("helix-shards-get", Endpoint::GetShards),
        ("helix-shards-patch", Endpoint::UpdateShards),
        ("helix-subs-create", Endpoint::CreateSubscription),
        ("helix-subs-get", Endpoint::GetSubscriptions),
        ("helix-subs-delete", Endpoint::DeleteSubscription),
        ("helix-", Endpoint::CreateSubscription),
        ("oauth-validate", Endpoint::Validate),
        ("oauth-token-app", Endpoint::Token),
        ("oauth-", Endpoint::Token),
    ];
    let found = places.into_iter().find(|(prefix, _)| name.starts_with(prefix));
    found.expect("a place for every file").1
}

fn answer_of(file: &Path, entry: &Value) -> Fault {
    let status = u16::try_from(entry["expect"]["status"].as_u64().unwrap()).unwrap();
    let mut fault = Fault::status(status).body(fs::read_to_string(file).unwrap());
    for (name, value) in entry["expect"]["headers"].as_object().into_iter().flatten() {
        fault = fault.header(name, value.as_str().unwrap());
    }
    fault
}

#[tokio::test]
async fn every_answer_to_a_login_of_the_collection_is_taken() {
    let Some(folder) = beside() else { return };
    let world = World::websocket_with(|setup| setup.set("AUTH_RATE_PER_MINUTE", "0")).await;
    assert!(world.sim.wait_until(SOON, |sim| !sim.conduits().is_empty()).await);
    let mut run = 0;
    let files = listed(&folder, "oauth response").into_iter().chain(listed(&folder, "helix response"));
    for (file, entry) in files {
        let name = name_of(&file);
        let endpoint = endpoint_of(&name);
        if ![Endpoint::Token, Endpoint::Validate, Endpoint::GetUsers].contains(&endpoint) {
            continue;
        }
        let mut browser = Browser::at(&world.server);
        let callback = agree(&mut browser, &world.sim, STREAMER).await;
        let fault = answer_of(&file, &entry);
        world.sim.fail_next(endpoint, &fault, 1);
        let calls = world.sim.calls(endpoint);
        let status = browser.get(&callback).await.status;
        assert!(world.sim.calls(endpoint) > calls, "{name} was given");
        let fine = match (endpoint, fault.status) {
            // The name is a nicety, so the login goes on.
            (Endpoint::GetUsers, _) => vec![302],
            // A token that Twitch itself does not know is refused by the next call; one may be nobody's.
            (Endpoint::Token | Endpoint::Validate, 200) => vec![302, 400],
            (_, 400..500) => vec![400],
            _ => vec![502],
        };
        assert!(fine.contains(&status), "{name} made it {status}");
        run += 1;
    }
    let redirects = read_json(&folder.join("samples/oauth-redirects.json"));
    for url in redirects.as_object().unwrap().values() {
        let path = crate::support::browser::path_of(url.as_str().unwrap());
        Browser::at(&world.server).get(&path).await.expect_page(400);
        run += 1;
    }
    world.log_in().await;
    assert!(!world.server.log.text().contains("panick"));
    println!("{run} answers to a login were taken.");
}

#[tokio::test]
async fn every_answer_of_helix_of_the_collection_is_taken() {
    let Some(folder) = beside() else { return };
    let mut run = 0;
    for (file, entry) in listed(&folder, "helix response") {
        let name = name_of(&file);
        let endpoint = endpoint_of(&name);
        if endpoint == Endpoint::GetUsers {
            continue;
        }
        // A Twitch of its own for each, since each leaves it in another state.
        let sim = Sim::start(sim_config()).await.unwrap();
        let deletes = endpoint == Endpoint::DeleteSubscription;
        let setup = setup_for(&sim)
            .set("SUBSCRIPTION_GRACE", if deletes { "1ms" } else { "10m" })
            .set("ORPHAN_MAX_AGE", "50ms")
            .set("CLEANUP_INTERVAL", "50ms");
        if endpoint == Endpoint::GetShards {
            // Only a conduit that is there already is looked at.
            make_conduit(&sim).await;
        }
        sim.fail_next(endpoint, &answer_of(&file, &entry), 1);
        let server = Server::start(setup).await;
        let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
        let overlay = streamer.open_overlay(&server).await;
        if deletes {
            streamer.chat_becomes("reading").await;
            overlay.close().await;
        }
        let asked = sim.wait_until(SOON, |sim| sim.calls(endpoint) > 0).await;
        assert!(asked, "{name} was given");
        // And it lives, and will ask again.
        let live = server.http.get(server.url("/health/live")).send().await.unwrap();
        assert_eq!(live.status(), 200, "{name}");
        streamer.status().await;
        assert!(!server.log.text().contains("panick"), "{name}");
        run += 1;
    }
    let requests = listed(&folder, "helix request body");
    for (file, _) in &requests {
        assert!(read_json(file).is_object());
    }
    println!(
        "{run} answers of Helix were taken; {} request bodies are for a server, and were only read.",
        requests.len()
    );
}

/// As another start of the same application would have left it.
async fn make_conduit(sim: &Sim) {
    let http = crate::support::server::http_client();
    let token = json!({
        "client_id": crate::support::world::CLIENT_ID,
        "client_secret": crate::support::world::CLIENT_SECRET,
        "grant_type": "client_credentials",
    });
    let answer = http.post(format!("{}/token", sim.auth_url())).form(&token).send().await.unwrap();
    let token: Value = answer.json().await.unwrap();
    let made = http
        .post(format!("{}/eventsub/conduits", sim.api_url()))
        .bearer_auth(token["access_token"].as_str().unwrap())
        .header("Client-Id", crate::support::world::CLIENT_ID)
        .json(&json!({ "shard_count": 1 }))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 200);
}
