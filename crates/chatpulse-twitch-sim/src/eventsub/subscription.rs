//! Subscriptions, their transports, and the states of subscriptions and shards.

use std::collections::BTreeMap;

use serde::Serialize;

/// Status of a subscription or a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Twitch's own")]
pub enum Status {
    Enabled,
    WebhookCallbackVerificationPending,
    WebhookCallbackVerificationFailed,
    NotificationFailuresExceeded,
    AuthorizationRevoked,
    ModeratorRemoved,
    UserRemoved,
    ChatUserBanned,
    VersionRemoved,
    BetaMaintenance,
    ConduitDeleted,
    WebsocketDisconnected,
    WebsocketFailedPingPong,
    WebsocketReceivedInboundTraffic,
    WebsocketConnectionUnused,
    WebsocketInternalError,
    WebsocketNetworkTimeout,
    WebsocketNetworkError,
    WebsocketFailedToReconnect,
}

/// The transport of events. A shard has one of the first two; a subscription has any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum Transport {
    /// Signed POST requests.
    Webhook {
        /// Destination URL.
        callback: String,
        /// Signing secret; never part of a response.
        #[serde(skip)]
        secret: String,
    },
    /// Frames of a WebSocket session.
    Websocket {
        /// Id of the session.
        session_id: String,
        /// When the session was connected.
        #[serde(skip_serializing_if = "Option::is_none")]
        connected_at: Option<String>,
        /// When the last socket of the session closed.
        #[serde(skip_serializing_if = "Option::is_none")]
        disconnected_at: Option<String>,
    },
    /// The shard of the conduit that the channel maps to.
    Conduit {
        /// Id of the conduit.
        conduit_id: String,
    },
}

impl Transport {
    /// Returns the session id of a WebSocket transport.
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::Websocket { session_id, .. } => Some(session_id),
            Self::Webhook { .. } | Self::Conduit { .. } => None,
        }
    }

    /// Returns the callback URL of a webhook transport.
    pub fn callback(&self) -> Option<&str> {
        match self {
            Self::Webhook { callback, .. } => Some(callback),
            Self::Websocket { .. } | Self::Conduit { .. } => None,
        }
    }

    /// Returns whether both have the same destination, ignoring times and secrets.
    pub(crate) fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Conduit { conduit_id: one }, Self::Conduit { conduit_id: two })
            | (Self::Webhook { callback: one, .. }, Self::Webhook { callback: two, .. })
            | (Self::Websocket { session_id: one, .. }, Self::Websocket { session_id: two, .. }) => {
                one == two
            }
            _ => false,
        }
    }

    /// Returns the transport as the body of a notification shows it, without times.
    fn without_times(&self) -> Self {
        match self.clone() {
            Self::Websocket { session_id, .. } => {
                Self::Websocket { session_id, connected_at: None, disconnected_at: None }
            }
            other => other,
        }
    }
}

/// A subscription of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Assigned by Twitch.
    pub id: String,
    /// Only an enabled subscription receives events.
    pub status: Status,
    /// Type, for example `channel.chat.message`.
    pub kind: String,
    /// Version, for example `1`.
    pub version: String,
    /// The condition: the channel and the reader.
    pub condition: BTreeMap<String, String>,
    /// Where its events are sent.
    pub transport: Transport,
    /// When it was created.
    pub created_at: String,
    /// Points that it adds to the total cost.
    pub cost: u32,
    /// Client id of the application that created it.
    pub client_id: String,
    /// The user whose token created it; `None` for an app token.
    pub owner: Option<String>,
}

/// A subscription in an API response.
#[derive(Serialize)]
struct InAnswer<'a> {
    id: &'a str,
    status: Status,
    r#type: &'a str,
    version: &'a str,
    condition: &'a BTreeMap<String, String>,
    created_at: &'a str,
    transport: &'a Transport,
    cost: u32,
}

/// A subscription in an EventSub message.
#[derive(Serialize)]
pub(crate) struct InMessage<'a> {
    id: &'a str,
    status: Status,
    r#type: &'a str,
    version: &'a str,
    condition: &'a BTreeMap<String, String>,
    transport: Transport,
    created_at: &'a str,
    cost: u32,
}

impl Subscription {
    /// Returns the condition's value of `key`.
    pub fn about(&self, key: &str) -> Option<&str> {
        self.condition.get(key).map(String::as_str)
    }

    pub(crate) fn in_answer(&self) -> impl Serialize {
        InAnswer {
            id: &self.id,
            status: self.status,
            r#type: &self.kind,
            version: &self.version,
            condition: &self.condition,
            created_at: &self.created_at,
            transport: &self.transport,
            cost: self.cost,
        }
    }

    pub(crate) fn in_message(&self) -> InMessage<'_> {
        InMessage {
            id: &self.id,
            status: self.status,
            r#type: &self.kind,
            version: &self.version,
            condition: &self.condition,
            transport: self.transport.without_times(),
            created_at: &self.created_at,
            cost: self.cost,
        }
    }
}
