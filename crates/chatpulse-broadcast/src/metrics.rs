//! The metric families of the hub.

use chatpulse_domain::metrics::{Family, Labels};

/// All metric families of this crate.
pub const FAMILIES: &[Family] = &[
    Family::histogram(
        "vote_to_broadcast_seconds",
        Labels::None,
        "From a vote in the store to its frame in the sockets' channel.",
    ),
    Family::gauge("broadcaster_active_sessions", Labels::None, "Sessions shown on this instance."),
    Family::gauge("broadcaster_connected_clients", Labels::None, "Overlay sockets fed by this instance."),
    Family::histogram(
        "broadcaster_tick_duration_seconds",
        Labels::None,
        "Time to read and encode all sessions that changed in a tick.",
    ),
    Family::counter(
        "broadcaster_slow_ticks_total",
        Labels::None,
        "Ticks that took longer than the tick interval.",
    ),
];
