//! Webhooks: verify first, then decode. With a good signature nothing is answered with an error, because an error
//! only makes Twitch retry, and in the end disable the subscription.

use std::str::from_utf8;

use chatpulse_domain::ids::TEXT_ID_BYTES_MAX;
use chatpulse_domain::ports::webhook_gate::{RawDelivery, Refused, Webhook, WebhookGate};
use chatpulse_domain::secret::Secret;

use crate::eventsub::event::ChallengeBody;
use crate::eventsub::router::{Envelope, EventRouter};
use crate::eventsub::signature::{MessageTime, SignatureKey};

/// Checks signatures with the current secret, or with an earlier one while it is being replaced.
pub struct TwitchGate {
    keys: Vec<SignatureKey>,
    router: EventRouter,
}

impl TwitchGate {
    /// `secrets`: the current one, then earlier ones that are still accepted.
    pub fn new(secrets: &[Secret], router: EventRouter) -> Self {
        Self { keys: secrets.iter().map(SignatureKey::new).collect(), router }
    }
}

impl WebhookGate for TwitchGate {
    fn open(&self, delivery: &RawDelivery<'_>) -> Result<Webhook, Refused> {
        let message_id = header(delivery.message_id, "Twitch-Eventsub-Message-Id")?;
        let timestamp = header(delivery.timestamp, "Twitch-Eventsub-Message-Timestamp")?;
        let sent_at =
            MessageTime::parse(timestamp).ok_or(Refused::Header("Twitch-Eventsub-Message-Timestamp"))?;
        let message_type = header(delivery.message_type, "Twitch-Eventsub-Message-Type")?;
        let signature = delivery.signature.ok_or(Refused::Header("Twitch-Eventsub-Message-Signature"))?;
        let signed = |key: &SignatureKey| {
            key.verifies(message_id.as_bytes(), timestamp.as_bytes(), delivery.body, signature)
        };
        if !self.keys.iter().any(signed) {
            return Err(Refused::Signature);
        }
        let envelope = Envelope {
            transport_id: message_id,
            sent_at: Some(sent_at),
            subscription_type: delivery.subscription_type.and_then(|kind| from_utf8(kind).ok()),
            body: delivery.body,
        };
        match message_type {
            "webhook_callback_verification" => Ok(self.challenge(delivery.body)),
            "notification" => Ok(self.router.notification(&envelope).map_or(Webhook::Handled, Webhook::Chat)),
            "revocation" => {
                self.router.revocation(&envelope);
                Ok(Webhook::Handled)
            }
            _ => Ok(Webhook::Handled),
        }
    }
}

impl TwitchGate {
    /// Echoed whatever its age: Twitch decides when it sends one.
    fn challenge(&self, body: &[u8]) -> Webhook {
        if let Ok(body) = serde_json::from_slice::<ChallengeBody<'_>>(body) {
            return Webhook::Challenge(body.challenge.into_owned());
        }
        self.router.malformed_challenge();
        Webhook::Handled
    }
}

/// A header's value, if it is visible ASCII and no longer than an id may be.
fn header<'a>(value: Option<&'a [u8]>, name: &'static str) -> Result<&'a str, Refused> {
    let is_valid = |text: &&str| {
        (1..=TEXT_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    value.and_then(|bytes| from_utf8(bytes).ok()).filter(is_valid).ok_or(Refused::Header(name))
}
