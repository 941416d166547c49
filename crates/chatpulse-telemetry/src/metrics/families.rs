//! Name, kind, help and labels of each family. Label values come from small fixed sets, never from users.

use chatpulse_domain::ports::chat_sink::ChatOutcome;
use chatpulse_domain::ports::webhook_gate::NOTIFICATION_LABELS;

/// What a family measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A family's labels.
#[derive(Debug, Clone, Copy)]
pub enum Labels {
    /// One series.
    None,
    /// One label with these values.
    One(&'static str, &'static [&'static str]),
    /// One label with one value, and a second with these.
    Two((&'static str, &'static str), &'static str, &'static [&'static str]),
    /// One series for each query of the database.
    Query,
    /// One series for each operation on Redis and each way it ends.
    Operation,
    /// One series for each channel of Redis that is listened to.
    Channel,
    /// Label sets appear as they happen, from values of our own such as routes; this one is there from the start.
    AsTheyCome(&'static [(&'static str, &'static str)]),
}

/// Label values that the stores know.
#[derive(Debug, Clone, Copy, Default)]
pub struct LabelValues {
    /// Names of the database's queries.
    pub queries: &'static [&'static str],
    /// Names of the operations on Redis; empty without it.
    pub operations: &'static [&'static str],
    /// How such an operation ends.
    pub statuses: &'static [&'static str],
    /// Channels of Redis that are listened to.
    pub channels: &'static [&'static str],
}

impl Labels {
    pub(super) fn all(&self, values: &LabelValues) -> Vec<Vec<(&'static str, &'static str)>> {
        match self {
            Self::None => vec![Vec::new()],
            Self::One(label, values) => values.iter().map(|value| vec![(*label, *value)]).collect(),
            Self::Two(first, label, values) => {
                values.iter().map(|value| vec![*first, (*label, *value)]).collect()
            }
            Self::Query => values.queries.iter().map(|query| vec![("query", *query)]).collect(),
            Self::Operation => {
                let pair = |operation, status| vec![("operation", operation), ("status", status)];
                let of = |operation| values.statuses.iter().map(move |status| pair(operation, *status));
                values.operations.iter().flat_map(|operation| of(*operation)).collect()
            }
            Self::Channel => values.channels.iter().map(|channel| vec![("channel", *channel)]).collect(),
            Self::AsTheyCome([]) => Vec::new(),
            Self::AsTheyCome(first) => vec![first.to_vec()],
        }
    }
}

/// One metric family.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// What an operator reads beside it.
    pub help: &'static str,
    /// How it is split.
    pub labels: Labels,
}

const fn counter(name: &'static str, labels: Labels, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, help, labels }
}
const fn gauge(name: &'static str, labels: Labels, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help, labels }
}
const fn histogram(name: &'static str, labels: Labels, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, help, labels }
}

/// All of them.
pub const FAMILIES: &[Family] = &[
    // Votes
    counter(
        "vote_processing_total",
        Labels::One("result", &ChatOutcome::LABELS),
        "Chat messages by what became of them.",
    ),
    histogram(
        "vote_processing_duration_seconds",
        Labels::None,
        "From a verified chat message to its outcome.",
    ),
    counter(
        "vote_trigger_matches_total",
        Labels::One("trigger_type", &["for", "against"]),
        "Chat messages that equalled a trigger, by side.",
    ),
    histogram(
        "vote_to_broadcast_seconds",
        Labels::None,
        "From a vote in the store to its frame in the sockets' channel.",
    ),
    // Hub
    gauge("broadcaster_active_sessions", Labels::None, "Sessions shown on this instance."),
    gauge("broadcaster_connected_clients", Labels::None, "Overlay sockets fed by this instance."),
    histogram(
        "broadcaster_tick_duration_seconds",
        Labels::None,
        "Time to read and encode all sessions that changed in a tick.",
    ),
    counter(
        "broadcaster_slow_clients_evicted_total",
        Labels::None,
        "Sockets closed because a write was stuck.",
    ),
    counter("broadcaster_slow_ticks_total", Labels::None, "Ticks that took longer than the tick interval."),
    // Overlay sockets
    gauge("websocket_connections_current", Labels::None, "Open overlay sockets."),
    counter(
        "websocket_connections_total",
        Labels::One("result", &["accepted", "rejected"]),
        "Overlay connections by result.",
    ),
    counter(
        "websocket_connections_rejected_total",
        Labels::One(
            "reason",
            &[
                "rate_limit",
                "invalid_id",
                "unknown_overlay",
                "not_websocket",
                "global_limit",
                "ip_limit",
                "session_limit",
                "unavailable",
            ],
        ),
        "Overlay connections turned away, by reason.",
    ),
    histogram("websocket_connection_duration_seconds", Labels::None, "How long overlay sockets stayed open."),
    counter("websocket_ping_failures_total", Labels::None, "Pings that could not be sent."),
    counter(
        "websocket_idle_disconnects_total",
        Labels::None,
        "Sockets closed because no pong came for 60 s.",
    ),
    gauge("websocket_unique_ips", Labels::None, "Addresses with at least one open overlay socket."),
    // Database
    histogram("db_query_duration_seconds", Labels::Query, "Time in the database, by query."),
    gauge(
        "db_connections_current",
        Labels::One("state", &["active", "idle"]),
        "Database connections by state.",
    ),
    counter("db_errors_total", Labels::Query, "Queries that failed, by query."),
    // Settings cache and reconciliation
    counter("config_cache_hits_total", Labels::None, "Session look-ups answered from memory."),
    counter("config_cache_misses_total", Labels::None, "Session look-ups that asked the store."),
    gauge("config_cache_entries", Labels::None, "Channels remembered."),
    counter(
        "config_drift_detected_total",
        Labels::None,
        "Live sessions found with older settings than the database.",
    ),
    counter("config_drift_fixed_total", Labels::None, "Of those, brought up to date."),
    // Clean-up
    counter("orphan_cleanup_scans_total", Labels::None, "Rounds of clean-up on this instance."),
    counter("orphan_sessions_deleted_total", Labels::None, "Sessions deleted because nobody held them."),
    counter(
        "orphan_sessions_skipped_total",
        Labels::One("reason", &["rejoined", "error"]),
        "Orphans left alone, by reason.",
    ),
    histogram("orphan_cleanup_duration_seconds", Labels::None, "Time of a round of clean-up."),
    gauge("disconnected_sessions_count", Labels::None, "Orphans found by the last round and not deleted."),
    // Who leads
    gauge(
        "is_leader",
        Labels::One("key", &["cleanup:leader"]),
        "1 while this instance does the housekeeping.",
    ),
    counter(
        "leader_elections_total",
        Labels::One("key", &["cleanup:leader"]),
        "Times that this instance began to lead.",
    ),
    gauge("instance_registry_size", Labels::None, "Living instances, this one included."),
    // What keeps an outage of Redis from spreading; closed for ever without one
    gauge("circuit_breaker_state", Labels::One("component", &["redis"]), "0: closed, 1: half open, 2: open."),
    counter(
        "circuit_breaker_state_changes_total",
        Labels::Two(("component", "redis"), "to", &["closed", "half_open", "open"]),
        "Changes of the circuit breaker, by component and new state.",
    ),
    // Twitch
    counter(
        "eventsub_subscribe_attempts_total",
        Labels::One("result", &["success", "conflict", "forbidden", "rate_limited", "error"]),
        "Requests for a chat subscription, by result.",
    ),
    counter(
        "eventsub_setup_failures_total",
        Labels::None,
        "Times that the conduit or its shard could not be set up.",
    ),
    gauge("eventsub_shard_enabled", Labels::None, "1 while Twitch delivers chat to this instance."),
    counter(
        "eventsub_notifications_total",
        Labels::One("type", &NOTIFICATION_LABELS),
        "Notifications that are not chat messages, by type.",
    ),
    counter(
        "grant_checks_total",
        Labels::One("result", &["valid", "renewed", "ended", "unreadable", "unanswered"]),
        "Times that Twitch was asked about a user's tokens, by result.",
    ),
    // HTTP
    counter(
        "http_requests_total",
        Labels::AsTheyCome(&[("route", "/metrics"), ("method", "GET"), ("status", "200")]),
        "Requests by route, method and status.",
    ),
    histogram(
        "http_request_duration_seconds",
        Labels::AsTheyCome(&[("route", "/metrics")]),
        "Time to answer, by route.",
    ),
    gauge("build_info", Labels::AsTheyCome(&[]), "Always 1; its labels say what runs."),
];

/// Only where live state is in Redis.
pub const FLEET_FAMILIES: &[Family] = &[
    counter("redis_operations_total", Labels::Operation, "Operations on Redis by how they ended."),
    histogram("redis_operation_duration_seconds", Labels::None, "Time of an operation on Redis."),
    counter(
        "redis_connection_errors_total",
        Labels::None,
        "Connections to Redis that broke or could not be made.",
    ),
    gauge(
        "redis_pool_connections_current",
        Labels::One("state", &["connected", "disconnected"]),
        "Connections to Redis by state.",
    ),
    counter("pubsub_messages_received_total", Labels::Channel, "Messages of other instances, by channel."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_page_lists_every_family_and_no_other() {
        let page = include_str!("../../../../docs/operations/prometheus-metrics.md");
        let listed: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let declared: Vec<&str> = FAMILIES.iter().chain(FLEET_FAMILIES).map(|family| family.name).collect();
        assert_eq!(listed, declared);
    }
}
