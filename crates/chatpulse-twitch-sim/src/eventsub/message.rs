//! JSON envelopes of events: webhook bodies and socket frames.

use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::eventsub::session::Session;
use crate::eventsub::subscription::{InMessage, Subscription};
use crate::ids::now;

/// Message types that contain a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageType {
    Notification,
    Revocation,
    Verification,
}

impl MessageType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Revocation => "revocation",
            Self::Verification => "webhook_callback_verification",
        }
    }
}

/// `{"subscription":…,"event":…}`: the same for both transports.
#[derive(Serialize)]
struct Body<'a> {
    subscription: InMessage<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
}

/// Returns the body of a notification, or of a revocation if there is no event.
pub(crate) fn body(subscription: &Subscription, event: Option<&RawValue>) -> String {
    json(&Body { subscription: subscription.in_message(), event })
}

#[derive(Serialize)]
struct Frame<'a, P> {
    metadata: Metadata<'a>,
    payload: P,
}

#[derive(Serialize)]
struct Metadata<'a> {
    message_id: &'a str,
    message_type: &'a str,
    message_timestamp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_version: Option<&'a str>,
}

#[derive(Serialize)]
struct SessionPayload<'a> {
    session: SessionInFrame<'a>,
}

#[derive(Serialize)]
struct SessionInFrame<'a> {
    id: &'a str,
    status: &'a str,
    connected_at: &'a str,
    keepalive_timeout_seconds: Option<u64>,
    reconnect_url: Option<&'a str>,
    /// Undocumented; the live service sends it.
    recovery_url: Option<&'a str>,
}

/// Returns the frame of a notification or revocation; it wraps the body that a webhook would receive.
pub(crate) fn frame(
    message_id: &str,
    message_type: MessageType,
    subscription: &Subscription,
    event: Option<&RawValue>,
) -> ByteString {
    let metadata = Metadata {
        message_id,
        message_type: message_type.as_str(),
        message_timestamp: &now(),
        subscription_type: Some(&subscription.kind),
        subscription_version: Some(&subscription.version),
    };
    json(&Frame { metadata, payload: Body { subscription: subscription.in_message(), event } }).into()
}

/// Returns the welcome message, the first frame of every socket.
pub(crate) fn welcome(message_id: &str, session_id: &str, session: &Session) -> ByteString {
    let session = SessionInFrame {
        id: session_id,
        status: "connected",
        connected_at: &session.connected_at,
        keepalive_timeout_seconds: Some(session.keepalive_secs),
        reconnect_url: None,
        recovery_url: None,
    };
    plain(message_id, "session_welcome", SessionPayload { session })
}

/// Returns the message that asks the client to reconnect at `reconnect_url`.
pub(crate) fn reconnect(
    message_id: &str,
    session_id: &str,
    session: &Session,
    reconnect_url: &str,
) -> ByteString {
    let session = SessionInFrame {
        id: session_id,
        status: "reconnecting",
        connected_at: &session.connected_at,
        keepalive_timeout_seconds: None,
        reconnect_url: Some(reconnect_url),
        recovery_url: None,
    };
    plain(message_id, "session_reconnect", SessionPayload { session })
}

/// Returns the keepalive message, which is sent when no event was.
pub(crate) fn keepalive(message_id: &str) -> ByteString {
    plain(message_id, "session_keepalive", serde_json::Map::new())
}

fn plain(message_id: &str, message_type: &str, payload: impl Serialize) -> ByteString {
    let metadata = Metadata {
        message_id,
        message_type,
        message_timestamp: &now(),
        subscription_type: None,
        subscription_version: None,
    };
    json(&Frame { metadata, payload }).into()
}

/// Returns compact JSON, as Twitch sends it.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
