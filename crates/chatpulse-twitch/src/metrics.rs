//! The metric families that the connection to Twitch feeds.

use crate::eventsub::router::NOTIFICATION_LABELS;
use chatpulse_domain::metrics::{Family, Labels};

/// All of them.
pub const FAMILIES: &[Family] = &[
    Family::counter(
        "eventsub_subscribe_attempts_total",
        Labels::One("result", &["success", "conflict", "forbidden", "rate_limited", "error"]),
        "Requests for a chat subscription, by result.",
    ),
    Family::counter(
        "eventsub_setup_failures_total",
        Labels::None,
        "Times that the conduit or its shard could not be set up.",
    ),
    Family::gauge("eventsub_shard_enabled", Labels::None, "1 while Twitch delivers chat to this instance."),
    Family::counter(
        "eventsub_notifications_total",
        Labels::One("type", &NOTIFICATION_LABELS),
        "Notifications that are not chat messages, by type.",
    ),
];
