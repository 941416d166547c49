//! Decodes one text frame of the socket, tolerantly: a malformed one is `Unknown`, never an error.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::eventsub::router::Envelope;
use crate::eventsub::signature::MessageTime;

/// A message on the socket.
#[derive(Debug)]
pub(super) enum Frame {
    Welcome { session_id: String, keepalive_secs: Option<u64>, sent_at: Option<MessageTime> },
    Keepalive { sent_at: Option<MessageTime> },
    Notification(Message),
    Reconnect { url: String },
    Revocation(Message),
    Unknown,
}

/// A notification or revocation, with the payload as a webhook would carry it.
#[derive(Debug)]
pub(super) struct Message {
    id: String,
    sent_at: Option<MessageTime>,
    subscription_type: Option<String>,
    payload: Option<Box<RawValue>>,
}

impl Message {
    pub(super) fn envelope(&self) -> Envelope<'_> {
        Envelope {
            transport_id: &self.id,
            sent_at: self.sent_at,
            subscription_type: self.subscription_type.as_deref(),
            body: self.payload.as_ref().map_or(b"".as_slice(), |payload| payload.get().as_bytes()),
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    metadata: Metadata,
    #[serde(default)]
    payload: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    message_id: String,
    #[serde(default)]
    message_type: String,
    #[serde(default)]
    message_timestamp: String,
    #[serde(default)]
    subscription_type: Option<String>,
}

#[derive(Deserialize)]
struct SessionPayload {
    session: SessionInfo,
}

#[derive(Deserialize)]
struct SessionInfo {
    #[serde(default)]
    id: String,
    #[serde(default)]
    keepalive_timeout_seconds: Option<u64>,
    #[serde(default)]
    reconnect_url: Option<String>,
}

impl Frame {
    pub(super) fn read(text: &str) -> Self {
        Self::try_read(text).unwrap_or(Self::Unknown)
    }

    fn try_read(text: &str) -> Option<Self> {
        let Wire { metadata, payload } = serde_json::from_str(text).ok()?;
        let session = || {
            serde_json::from_str::<SessionPayload>(payload.as_ref()?.get())
                .ok()
                .map(|payload| payload.session)
        };
        let sent_at = || MessageTime::parse(&metadata.message_timestamp);
        Some(match metadata.message_type.as_str() {
            "session_welcome" => {
                let session = session()?;
                Self::Welcome {
                    session_id: session.id,
                    keepalive_secs: session.keepalive_timeout_seconds,
                    sent_at: sent_at(),
                }
            }
            "session_keepalive" => Self::Keepalive { sent_at: sent_at() },
            "session_reconnect" => Self::Reconnect { url: session()?.reconnect_url? },
            "notification" => Self::Notification(Message::new(metadata, payload)),
            "revocation" => Self::Revocation(Message::new(metadata, payload)),
            _ => Self::Unknown,
        })
    }
}

impl Message {
    /// The router checks it, and counts what is wrong with it.
    fn new(metadata: Metadata, payload: Option<Box<RawValue>>) -> Self {
        Self {
            sent_at: MessageTime::parse(&metadata.message_timestamp),
            id: metadata.message_id,
            subscription_type: metadata.subscription_type,
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_welcome_names_the_session_and_its_keepalive() {
        let text = r#"{"metadata":{"message_id":"1","message_type":"session_welcome","message_timestamp":"2026-09-20T14:56:51.634234626Z"},
            "payload":{"session":{"id":"abc","status":"connected","keepalive_timeout_seconds":30,"reconnect_url":null,"recovery_url":null}}}"#;
        assert!(
            matches!(Frame::read(text), Frame::Welcome { session_id, keepalive_secs: Some(30), sent_at: Some(_) } if session_id == "abc")
        );
    }

    #[test]
    fn what_is_new_or_broken_is_unknown() {
        for text in [
            "",
            "{}",
            r#"{"metadata":{"message_type":"session_party"},"payload":{}}"#,
            r#"{"metadata":{"message_type":"session_welcome"}}"#,
        ] {
            assert!(matches!(Frame::read(text), Frame::Unknown), "{text}");
        }
    }
}
