//! Webhooks of a chat platform: verified first, decoded afterwards.

use super::chat_sink::ChatDelivery;

/// A webhook request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct RawDelivery<'a> {
    /// `Twitch-Eventsub-Message-Id`.
    pub message_id: Option<&'a [u8]>,
    /// `Twitch-Eventsub-Message-Timestamp`.
    pub timestamp: Option<&'a [u8]>,
    /// `Twitch-Eventsub-Message-Signature`.
    pub signature: Option<&'a [u8]>,
    /// `Twitch-Eventsub-Message-Type`.
    pub message_type: Option<&'a [u8]>,
    /// `Twitch-Eventsub-Subscription-Type`; a conduit shard's challenge may come without.
    pub subscription_type: Option<&'a [u8]>,
    /// The exact bytes that were signed.
    pub body: &'a [u8],
}

/// What is to be done about a verified request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// Echo this text.
    Challenge(String),
    /// Chat: hand it to the [`super::chat_sink::ChatSink`].
    Chat(ChatDelivery),
    /// Nothing: the gate has handled it.
    Handled,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header is missing or malformed.
    #[error("the {0} header is missing or malformed")]
    Header(&'static str),
    /// It was not signed with our secret.
    #[error("the signature does not match")]
    Signature,
}

/// Verifies and decodes webhooks. Any bytes with a good signature are accepted: an error would make Twitch retry, and in the
/// end disable the subscription.
pub trait WebhookGate: Send + Sync {
    /// Checks the headers, then the signature, then the age, then decodes the body.
    fn open(&self, delivery: &RawDelivery<'_>) -> Result<Webhook, Refused>;
}
