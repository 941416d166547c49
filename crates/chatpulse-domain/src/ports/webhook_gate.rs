//! What Twitch posts to us: verified first, read afterwards.

use super::chat_sink::ChatDelivery;

/// What Twitch tells us besides chat, by type, as a metric's label: types with a series of their own, the end of a
/// subscription, and all others.
pub const NOTIFICATION_LABELS: [&str; 11] = [
    "conduit.shard.disabled",
    "user.authorization.grant",
    "user.authorization.revoke",
    "stream.online",
    "stream.offline",
    "channel.chat.message_delete",
    "channel.chat.clear_user_messages",
    "channel.chat.clear",
    "channel.chat.notification",
    "revocation",
    "other",
];

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

/// What a verified request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// Echo this text.
    Challenge(String),
    /// Chat: hand it to the [`super::chat_sink::ChatSink`].
    Chat(ChatDelivery),
    /// Anything else; the gate has dealt with it.
    Handled,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header is missing or not of its form.
    #[error("the {0} header is missing or malformed")]
    Header(&'static str),
    /// The signature is not ours.
    #[error("the signature does not match")]
    Signature,
}

/// Verifies and reads webhooks. No panic and no error on any bytes with a good signature.
pub trait WebhookGate: Send + Sync {
    /// Headers, then signature, then freshness, then the body.
    fn open(&self, delivery: &RawDelivery<'_>) -> Result<Webhook, Refused>;
}
