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
