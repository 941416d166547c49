//! Every variable that the server reads, and how much of its value a problem may show.
//!
//! A new variable begins with a line here: [`super::reader::Reader`] refuses to read any other.

/// How much of a value a problem shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All of it.
    Plain,
    /// The URL of a web page: no user, password, query or fragment.
    PublicUrl,
    /// The URL of a server with a password: its scheme only.
    ServerUrl,
    /// Nothing but its length.
    Secret,
}

use Kind::{Plain, PublicUrl, Secret, ServerUrl};

/// Names and kinds, in the order of docs/reference/environment.md.
pub(super) const VARIABLES: &[(&str, Kind)] = &[
    ("APP_ENV", Plain),
    ("HOST", Plain),
    ("PORT", Plain),
    ("PUBLIC_URL", PublicUrl),
    ("TRUSTED_PROXIES", Plain),
    ("SHUTDOWN_DRAIN", Plain),
    ("SHUTDOWN_TIMEOUT", Plain),
    ("TWITCH_CLIENT_ID", Plain),
    ("TWITCH_CLIENT_SECRET", Secret),
    ("TWITCH_REDIRECT_URI", PublicUrl),
    ("ALLOWED_STREAMERS", Plain),
    ("BOT_USER_ID", Plain),
    ("EVENTSUB_TRANSPORT", Plain),
    ("WEBHOOK_CALLBACK_URL", PublicUrl),
    ("WEBHOOK_SECRET", Secret),
    ("WEBHOOK_SECRET_OLD", Secret),
    ("TWITCH_AUTH_URL", PublicUrl),
    ("TWITCH_API_URL", PublicUrl),
    ("TWITCH_EVENTSUB_WS_URL", PublicUrl),
    ("DATABASE_URL", ServerUrl),
    ("REDIS_URL", ServerUrl),
    ("SSL_CERT_FILE", Plain),
    ("SSL_CERT_DIR", Plain),
    ("HTTPS_PROXY", ServerUrl),
    ("HTTP_PROXY", ServerUrl),
    ("ALL_PROXY", ServerUrl),
    ("NO_PROXY", Plain),
    ("ALLOW_EMBEDDED", Plain),
    ("ALLOW_INSECURE_DATABASE", Plain),
    ("DB_MIN_CONNS", Plain),
    ("DB_MAX_CONNS", Plain),
    ("DB_MAX_CONN_IDLE_TIME", Plain),
    ("DB_HEALTH_CHECK_PERIOD", Plain),
    ("DB_CONNECT_TIMEOUT", Plain),
    ("DB_MAX_RETRIES", Plain),
    ("DB_INITIAL_BACKOFF", Plain),
    ("SESSION_SECRET", Secret),
    ("TOKEN_ENCRYPTION_KEY", Secret),
    ("TOKEN_ENCRYPTION_KEYS_OLD", Secret),
    ("SESSION_MAX_AGE", Plain),
    ("VOTE_RATE_LIMIT_CAPACITY", Plain),
    ("VOTE_RATE_LIMIT_RATE", Plain),
    ("MAX_WEBSOCKET_CONNECTIONS", Plain),
    ("MAX_CONNECTIONS_PER_IP", Plain),
    ("CONNECTION_RATE_PER_IP", Plain),
    ("CONNECTION_RATE_BURST", Plain),
    ("AUTH_RATE_PER_MINUTE", Plain),
    ("API_RATE_PER_MINUTE", Plain),
    ("BROADCASTER_MAX_CLIENTS_PER_SESSION", Plain),
    ("BROADCASTER_TICK_INTERVAL", Plain),
    ("CLEANUP_INTERVAL", Plain),
    ("ORPHAN_MAX_AGE", Plain),
    ("SUBSCRIPTION_GRACE", Plain),
    ("RECONCILE_INTERVAL", Plain),
    ("LOG_LEVEL", Plain),
    ("LOG_FORMAT", Plain),
    ("METRICS_TOKEN", Secret),
    ("METRICS_ADDR", Plain),
];

/// Returns how much of a variable's value may be shown; of an unknown variable nothing.
pub(super) fn kind(name: &str) -> Kind {
    let known = VARIABLES.iter().find(|(variable, _)| *variable == name);
    debug_assert!(known.is_some(), "{name} has no line in settings/catalogue.rs");
    known.map_or(Secret, |(_, kind)| *kind)
}

/// Returns the variables whose whole value is a secret.
pub(super) fn secrets() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().filter(|(_, kind)| *kind == Secret).map(|(name, _)| *name)
}
