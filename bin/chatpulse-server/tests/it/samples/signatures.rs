//! Signature test vectors: valid ones are accepted, invalid ones are rejected, and none crashes the process.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::{DATA, read_json};
use crate::support::chat::{Post, Signature};
use crate::support::server::{Server, Setup};
use crate::support::world::with_webhook;

fn post(vector: &Value, signature_field: &str) -> Post {
    let text = |name: &str| vector[name].as_str().map(str::to_owned);
    Post {
        secret: text("secret").unwrap(),
        message_id: text("message_id"),
        timestamp: text("timestamp"),
        signature: Signature::given(text(signature_field)),
        body: BASE64.decode(vector["body_base64"].as_str().unwrap()).unwrap(),
        ..Post::notification("channel.chat.message", "")
    }
}

#[tokio::test]
async fn every_signature_vector_is_judged_rightly() {
    let all = read_json(&Path::new(DATA).join("signature-vectors.json"));
    let (good, bad) = (all["vectors"].as_array().unwrap(), all["negative"].as_array().unwrap());
    assert!(good.len() >= 23 && bad.len() >= 14, "only {} good and {} bad vectors", good.len(), bad.len());
    let secrets: BTreeSet<&str> =
        good.iter().chain(bad).map(|vector| vector["secret"].as_str().unwrap()).collect();
    for secret in secrets {
        let server =
            Server::start_with(|port| with_webhook(Setup::minimal(), port).set("WEBHOOK_SECRET", secret))
                .await;
        for vector in good.iter().filter(|vector| vector["secret"] == *secret) {
            let answer = post(vector, "signature").send(&server).await;
            let name = &vector["name"];
            // One timestamp is not a time: that vector shows that id and timestamp are joined without separator.
            let no_time = vector["timestamp"].as_str().unwrap().starts_with('c');
            assert_eq!(answer.status, if no_time { 400 } else { 204 }, "{name}: {answer:?}");
        }
        for vector in bad.iter().filter(|vector| vector["secret"] == *secret) {
            let answer = post(vector, "signature_header").send(&server).await;
            assert!([400, 403].contains(&answer.status), "{}: {answer:?}", vector["name"]);
        }
        let live = server.http.get(server.url("/health/live")).send().await.unwrap();
        assert_eq!(live.status(), 200);
    }
}
