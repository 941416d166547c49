//! Twitch's side of a webhook: bodies, headers and signatures.

use std::time::Duration;

use chatpulse_twitch_sim::signature;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::browser::Answer;
use super::server::Server;
use super::world::{BOT, SECRET, STREAMER};

/// A chat message as an event.
pub(crate) struct Line {
    pub(crate) event: Value,
}

impl Line {
    /// Creates a message in the streamer's chat. The name is also the user id.
    pub(crate) fn new(chatter: &str, text: &str) -> Self {
        Self {
            event: json!({
                "broadcaster_user_id": STREAMER,
                "broadcaster_user_login": "streamer",
                "broadcaster_user_name": "Streamer",
                "source_broadcaster_user_id": null,
                "source_message_id": null,
                "is_source_only": null,
                "chatter_user_id": chatter,
                "chatter_user_login": chatter,
                "chatter_user_name": chatter,
                "message_id": Uuid::new_v4().to_string(),
                "message": { "text": text, "fragments": [{ "type": "text", "text": text }] },
                "message_type": "text",
                "badges": [],
                "color": "",
                "cheer": null,
                "reply": null,
            }),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.event[field] = value.into();
        self
    }

    #[must_use]
    pub(crate) fn without(mut self, field: &str) -> Self {
        self.event.as_object_mut().unwrap().remove(field);
        self
    }

    pub(crate) fn body(&self) -> String {
        json!({ "subscription": chat_subscription("enabled"), "event": self.event }).to_string()
    }

    pub(crate) fn post(&self) -> Post {
        Post::notification("channel.chat.message", self.body())
    }
}

/// Returns the `subscription` of a notification or revocation for the streamer's chat.
pub(crate) fn chat_subscription(status: &str) -> Value {
    json!({
        "id": "0b7f3361-672b-4d39-b307-dd5b576c9b27",
        "status": status,
        "type": "channel.chat.message",
        "version": "1",
        "condition": { "broadcaster_user_id": STREAMER, "user_id": BOT },
        "transport": { "method": "conduit", "conduit_id": "bfcfc993-26b1-b876-44d9-afe75a379dac" },
        "created_at": "2026-09-20T14:06:05.492253549Z",
        "cost": 0,
    })
}

/// One request to the webhook. Headers that are `None` are omitted.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) secret: String,
    pub(crate) message_id: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) message_type: Option<String>,
    pub(crate) subscription_type: Option<String>,
    pub(crate) signature: Signature,
    pub(crate) body: Vec<u8>,
}

/// The key that signs a request.
#[derive(Debug, Clone)]
pub(crate) enum Signature {
    Right,
    Missing,
    Given(String),
}

impl Signature {
    pub(crate) fn given(text: Option<String>) -> Self {
        text.map_or(Self::Missing, Self::Given)
    }
}

impl Post {
    pub(crate) fn new(message_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            secret: SECRET.to_owned(),
            message_id: Some(Uuid::new_v4().to_string()),
            timestamp: Some(now()),
            message_type: Some(message_type.to_owned()),
            subscription_type: None,
            signature: Signature::Right,
            body: body.into(),
        }
    }

    pub(crate) fn notification(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { subscription_type: Some(kind.to_owned()), ..Self::new("notification", body) }
    }

    /// Sets the timestamp this far in the past.
    #[must_use]
    pub(crate) fn sent_before(mut self, age: Duration) -> Self {
        self.timestamp = Some(time_text(OffsetDateTime::now_utc() - age));
        self
    }

    pub(crate) fn good_signature(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        signature(&self.secret, &text(&self.message_id), &text(&self.timestamp), &self.body)
    }

    pub(crate) async fn send(&self, server: &Server) -> Answer {
        Answer::of(self.request(&server.http, &server.base).send().await.unwrap()).await
    }

    /// Builds the signed request for the server at this address.
    pub(crate) fn request(&self, http: &reqwest::Client, base: &str) -> reqwest::RequestBuilder {
        let signature = match &self.signature {
            Signature::Right => Some(self.good_signature()),
            Signature::Missing => None,
            Signature::Given(text) => Some(text.clone()),
        };
        let headers = [
            ("Twitch-Eventsub-Message-Id", &self.message_id),
            ("Twitch-Eventsub-Message-Timestamp", &self.timestamp),
            ("Twitch-Eventsub-Message-Type", &self.message_type),
            ("Twitch-Eventsub-Message-Signature", &signature),
            ("Twitch-Eventsub-Subscription-Type", &self.subscription_type),
        ];
        let mut request = http
            .post(format!("{base}/webhooks/eventsub"))
            .header("Content-Type", "application/json")
            .header("Twitch-Eventsub-Message-Retry", "0");
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request.body(self.body.clone())
    }
}

/// Returns the time as RFC 3339 in Twitch's format.
pub(crate) fn now() -> String {
    time_text(OffsetDateTime::now_utc())
}

fn time_text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}
