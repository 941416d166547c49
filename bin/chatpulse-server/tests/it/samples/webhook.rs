//! Sends every sample webhook body, signed with the current time, and with its original signature.

use serde_json::Value;

use super::{file_name, read_bytes, read_json, risen, sample, samples_of_kind, with_triggers};
use crate::support::chat::{Post, Signature};
use crate::support::world::World;

/// The requests of the samples as they were sent: one secret, old timestamps.
fn signed_requests() -> Vec<Value> {
    let all = read_json(&sample("signed-requests.json")).as_array().unwrap().clone();
    assert!(all.len() >= 54, "only {} signed requests", all.len());
    all
}

fn secret_of(requests: &[Value]) -> String {
    requests[0]["secret"].as_str().unwrap().to_owned()
}

/// A server that knows the secret of the samples, with a streamer's overlay open.
async fn world_with_secret(secret: &str) -> World {
    World::webhook_with(|setup| setup.set("WEBHOOK_SECRET", secret)).await
}

/// The metric labels under which one notification may be counted.
fn expected_labels(body: &Value, entry: &Value) -> Vec<&'static str> {
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
    // All samples have the same chatter, so a vote within a second of another one is debounced.
    if ours && ["yes", "votes yes", "PogChamp"].contains(&clean.unwrap_or(text)) {
        vec!["applied", "debounced"]
    } else {
        vec!["no_match"]
    }
}

#[tokio::test]
async fn every_webhook_body_of_the_samples_is_handled() {
    let secret = secret_of(&signed_requests());
    let world = world_with_secret(&secret).await;
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    let bodies = samples_of_kind("webhook body: ");
    assert!(bodies.len() >= 54, "only {} webhook bodies", bodies.len());
    for (file, entry) in bodies {
        let name = file_name(&file);
        let body = read_bytes(&file);
        let message_type = entry["kind"].as_str().unwrap().trim_start_matches("webhook body: ");
        let parsed: Value = serde_json::from_slice(&body).unwrap();
        let post = Post {
            secret: secret.clone(),
            subscription_type: parsed["subscription"]["type"].as_str().map(str::to_owned),
            ..Post::new(message_type, body)
        };
        let before = world.metrics().await;
        let answer = post.send(&world.server).await;
        let risen = risen(&world.server, &before).await;
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
                let labels = expected_labels(&parsed, &entry);
                assert_eq!(risen.len(), 1, "{name}: {risen:?}");
                assert!(
                    labels.iter().any(|label| risen.contains_key(*label)),
                    "{name}: {risen:?}, not {labels:?}"
                );
            }
            _ => {
                assert_eq!(answer.status, 204, "{name}");
                let labels: Vec<&str> = risen.keys().map(String::as_str).collect();
                let expected: &[&str] = if message_type == "revocation" { &["revocation"] } else { &[] };
                assert_eq!(labels, expected, "{name}");
            }
        }
    }
    assert!(!world.server.log.text().contains("panick"));
}

#[tokio::test]
async fn every_signed_request_of_the_samples_is_stale_by_now() {
    let requests = signed_requests();
    let secret = secret_of(&requests);
    let world = world_with_secret(&secret).await;
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    for request in &requests {
        let file = sample(request["body_file"].as_str().unwrap());
        let text = |name: &str| request["headers"][name].as_str().map(str::to_owned);
        let post = Post {
            secret: secret.clone(),
            message_id: text("Twitch-Eventsub-Message-Id"),
            timestamp: text("Twitch-Eventsub-Message-Timestamp"),
            message_type: text("Twitch-Eventsub-Message-Type"),
            subscription_type: text("Twitch-Eventsub-Subscription-Type"),
            signature: Signature::given(text("Twitch-Eventsub-Message-Signature")),
            body: read_bytes(&file),
        };
        let before = world.metrics().await;
        let answer = post.send(&world.server).await;
        let risen = risen(&world.server, &before).await;
        let name = file_name(&file);
        let is_challenge = post.message_type.as_deref() == Some("webhook_callback_verification");
        assert_eq!(answer.status, if is_challenge { 200 } else { 204 }, "{name}");
        if post.message_type.as_deref() == Some("notification")
            && post.subscription_type.as_deref() == Some("channel.chat.message")
        {
            assert_eq!(risen.keys().collect::<Vec<_>>(), ["stale"], "{name}");
        }
    }
    assert!(!world.server.log.text().contains("panick"));
}
