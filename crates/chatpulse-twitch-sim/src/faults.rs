//! Faults that a test requests, and call counts by endpoint.
//!
//! The state is here; [`crate::front_door`] applies it to every request.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::helix::error_body;

/// Maximum number of recorded webhook failures; the oldest are dropped first.
const FAILURES_MAX: usize = 1_000;

/// One endpoint of the simulated Twitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `GET` or `POST /oauth2/authorize`: the consent page and its buttons.
    Authorize,
    /// `POST /oauth2/token`
    Token,
    /// `GET /oauth2/validate`
    Validate,
    /// `POST /oauth2/revoke`
    Revoke,
    /// `GET /helix/users`
    GetUsers,
    /// `GET /helix/eventsub/conduits`
    GetConduits,
    /// `POST /helix/eventsub/conduits`
    CreateConduit,
    /// `PATCH /helix/eventsub/conduits`
    UpdateConduit,
    /// `DELETE /helix/eventsub/conduits`
    DeleteConduit,
    /// `GET /helix/eventsub/conduits/shards`
    GetShards,
    /// `PATCH /helix/eventsub/conduits/shards`
    UpdateShards,
    /// `GET /helix/eventsub/subscriptions`
    GetSubscriptions,
    /// `POST /helix/eventsub/subscriptions`
    CreateSubscription,
    /// `DELETE /helix/eventsub/subscriptions`
    DeleteSubscription,
    /// `GET /ws`: the upgrade to a WebSocket.
    Socket,
}

impl Endpoint {
    /// Returns the endpoint for a method and a path.
    pub(crate) fn of(method: &str, path: &str) -> Option<Self> {
        Some(match (method, path) {
            (_, "/oauth2/authorize") => Self::Authorize,
            ("POST", "/oauth2/token") => Self::Token,
            ("GET", "/oauth2/validate") => Self::Validate,
            ("POST", "/oauth2/revoke") => Self::Revoke,
            ("GET", "/helix/users") => Self::GetUsers,
            ("GET", "/helix/eventsub/conduits") => Self::GetConduits,
            ("POST", "/helix/eventsub/conduits") => Self::CreateConduit,
            ("PATCH", "/helix/eventsub/conduits") => Self::UpdateConduit,
            ("DELETE", "/helix/eventsub/conduits") => Self::DeleteConduit,
            ("GET", "/helix/eventsub/conduits/shards") => Self::GetShards,
            ("PATCH", "/helix/eventsub/conduits/shards") => Self::UpdateShards,
            ("GET", "/helix/eventsub/subscriptions") => Self::GetSubscriptions,
            ("POST", "/helix/eventsub/subscriptions") => Self::CreateSubscription,
            ("DELETE", "/helix/eventsub/subscriptions") => Self::DeleteSubscription,
            ("GET", "/ws") => Self::Socket,
            _ => return None,
        })
    }
}

/// A response sent instead of the real one. The request has no other effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// Sent as `application/json`.
    pub body: String,
    /// Additional headers; a `Ratelimit-*` header here replaces the real one.
    pub headers: Vec<(String, String)>,
}

impl Fault {
    /// Creates a fault with this status, Twitch's usual error body and an empty message.
    pub fn status(status: u16) -> Self {
        Self { status, body: error_body(status, "", None).to_string(), headers: Vec::new() }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// One failed attempt to deliver a webhook message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookFailure {
    /// The callback URL.
    pub callback: String,
    /// Its `Twitch-Eventsub-Message-Id`.
    pub message_id: String,
    /// Its `Twitch-Eventsub-Message-Retry`.
    pub retry: u32,
    /// The response status, or the error that prevented a response.
    pub reason: String,
}

/// Requested faults and counters.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    ordered: HashMap<Endpoint, VecDeque<Fault>>,
    calls: HashMap<Endpoint, u64>,
    /// Delay of every HTTP response.
    pub(crate) latency: Duration,
    /// How often each notification is repeated immediately.
    pub(crate) duplicates: u32,
    webhook_failures: VecDeque<WebhookFailure>,
    /// Consecutive undelivered messages, by callback.
    given_up: HashMap<String, u32>,
}

impl Faults {
    pub(crate) fn order(&mut self, endpoint: Endpoint, fault: &Fault, times: usize) {
        let queue = self.ordered.entry(endpoint).or_default();
        queue.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// Counts a call and takes the next fault of this endpoint.
    pub(crate) fn meet(&mut self, endpoint: Endpoint) -> Option<Fault> {
        *self.calls.entry(endpoint).or_default() += 1;
        self.ordered.get_mut(&endpoint)?.pop_front()
    }

    pub(crate) fn calls(&self, endpoint: Endpoint) -> u64 {
        self.calls.get(&endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn webhook_failures(&self) -> Vec<WebhookFailure> {
        self.webhook_failures.iter().cloned().collect()
    }

    pub(crate) fn note_failure(&mut self, failure: WebhookFailure) {
        if self.webhook_failures.len() == FAILURES_MAX {
            self.webhook_failures.pop_front();
        }
        self.webhook_failures.push_back(failure);
    }

    /// Counts an undelivered message. Returns the number of consecutive ones.
    pub(crate) fn give_up(&mut self, callback: &str) -> u32 {
        let count = self.given_up.entry(callback.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Resets the failure count of a callback that accepted a message.
    pub(crate) fn recover(&mut self, callback: &str) {
        self.given_up.remove(callback);
    }
}
