//! The metric families of HTTP and overlay sockets.

use chatpulse_domain::metrics::{Family, Labels};

/// Upper bounds for how long an overlay stays connected, in seconds: from one second to a day.
const CONNECTION_SECONDS: &[f64] = &[1.0, 10.0, 60.0, 600.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

/// All metric families of this crate.
pub const FAMILIES: &[Family] = &[
    Family::gauge("websocket_connections_current", Labels::None, "Open overlay sockets."),
    Family::counter(
        "websocket_connections_total",
        Labels::One("result", &["accepted", "rejected"]),
        "Overlay connections by result.",
    ),
    Family::counter(
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
    Family::histogram(
        "websocket_connection_duration_seconds",
        Labels::None,
        "How long overlay sockets stayed open.",
    )
    .in_buckets(CONNECTION_SECONDS),
    Family::counter("websocket_ping_failures_total", Labels::None, "Pings that could not be sent."),
    Family::counter(
        "websocket_idle_disconnects_total",
        Labels::None,
        "Sockets closed because no pong came for 60 s.",
    ),
    Family::gauge("websocket_unique_ips", Labels::None, "Addresses with at least one open overlay socket."),
    Family::counter(
        "http_connections_turned_away_total",
        Labels::One("reason", &["open_files", "silent_per_address"]),
        "Connections closed before a request, because the process or their address had too many.",
    ),
    Family::counter(
        "broadcaster_slow_clients_evicted_total",
        Labels::None,
        "Sockets closed because a write was stuck.",
    ),
    Family::counter(
        "http_requests_total",
        Labels::Open(&["route", "method", "status"], &["/metrics", "GET", "200"]),
        "Requests by route, method and status.",
    ),
    Family::histogram(
        "http_request_duration_seconds",
        Labels::Open(&["route"], &["/metrics"]),
        "Time to answer, by route.",
    ),
];
