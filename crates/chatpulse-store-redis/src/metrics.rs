//! The metric families that this crate feeds.

use chatpulse_domain::metrics::{Family, Labels};

use crate::operation::{OPERATIONS, STATUSES};
use crate::signals::CHANNELS;

/// What is measured of Redis itself.
pub const FAMILIES: &[Family] = &[
    Family::counter(
        "redis_operations_total",
        Labels::Two(("operation", OPERATIONS), ("status", STATUSES)),
        "Operations on Redis by how they ended.",
    ),
    Family::histogram("redis_operation_duration_seconds", Labels::None, "Time of an operation on Redis."),
    Family::counter(
        "redis_connection_errors_total",
        Labels::None,
        "Connections to Redis that broke or could not be made.",
    ),
    Family::gauge(
        "redis_pool_connections_current",
        Labels::One("state", &["connected", "disconnected"]),
        "Connections to Redis by state.",
    ),
    Family::counter(
        "pubsub_messages_received_total",
        Labels::One("channel", &CHANNELS),
        "Messages of other instances, by channel.",
    ),
];

/// What is measured of the fleet. A server without Redis exports it too, so that one dashboard serves both shapes: its
/// one instance always leads, and its circuit breaker stays closed.
pub const FLEET_FAMILIES: &[Family] = &[
    Family::gauge(
        "is_leader",
        Labels::One("key", &["cleanup:leader"]),
        "1 while this instance does the housekeeping.",
    ),
    Family::counter(
        "leader_elections_total",
        Labels::One("key", &["cleanup:leader"]),
        "Times that this instance began to lead.",
    ),
    Family::gauge("instance_registry_size", Labels::None, "Living instances, this one included."),
    Family::gauge(
        "circuit_breaker_state",
        Labels::One("component", &["redis"]),
        "0: closed, 1: half open, 2: open. Without Redis it stays closed.",
    ),
    Family::counter(
        "circuit_breaker_state_changes_total",
        Labels::Two(("component", &["redis"]), ("to", &["closed", "half_open", "open"])),
        "Changes of the circuit breaker, by component and new state.",
    ),
];
