//! Subscriptions, their transports, and the states both can be in.

use std::collections::BTreeMap;

use serde::Serialize;

/// State of a subscription or a shard.
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

/// Where events go. A shard has one of the first two; a subscription has any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum Transport {
    /// Signed POST requests.
    Webhook {
        /// Where they are sent.
        callback: String,
        /// What they are signed with; never shown in an answer.
        #[serde(skip)]
        secret: String,
    },
    /// Frames of a WebSocket session.
    Websocket {
        /// The session.
        session_id: String,
        /// When it was opened.
        #[serde(skip_serializing_if = "Option::is_none")]
        connected_at: Option<String>,
        /// When its last socket closed.
        #[serde(skip_serializing_if = "Option::is_none")]
        disconnected_at: Option<String>,
    },
    /// Whichever shard of the conduit the channel falls to.
    Conduit {
        /// The conduit.
        conduit_id: String,
    },
}

impl Transport {
    /// The session behind it, when it is a WebSocket.
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::Websocket { session_id, .. } => Some(session_id),
            Self::Webhook { .. } | Self::Conduit { .. } => None,
        }
    }

    /// The address behind it, when it is a webhook.
    pub fn callback(&self) -> Option<&str> {
        match self {
            Self::Webhook { callback, .. } => Some(callback),
            Self::Websocket { .. } | Self::Conduit { .. } => None,
        }
    }

    /// Whether both lead to the same place; times and secrets do not matter.
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

    /// The same as the body of a notification shows it: without times.
    fn without_times(&self) -> Self {
        match self.clone() {
            Self::Websocket { session_id, .. } => {
                Self::Websocket { session_id, connected_at: None, disconnected_at: None }
            }
            other => other,
        }
    }
}

/// What an application asked to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Given by Twitch.
    pub id: String,
    /// Only an enabled one gets events.
    pub status: Status,
    /// For example `channel.chat.message`.
    pub kind: String,
    /// For example `1`.
    pub version: String,
    /// Which channel and which reader.
    pub condition: BTreeMap<String, String>,
    /// Where its events go.
    pub transport: Transport,
    /// When it was created.
    pub created_at: String,
    /// Points of the total cost.
    pub cost: u32,
    /// The application that asked.
    pub client_id: String,
    /// The user whose token created it; none for an app token.
    pub owner: Option<String>,
}

/// A subscription as answers of the API show it.
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

/// A subscription as messages show it.
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
    /// What the condition says about `key`.
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
