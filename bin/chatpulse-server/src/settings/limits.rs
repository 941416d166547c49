//! Limits: rates, sizes and durations.

use std::time::Duration;

use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_telemetry::logging::LogFormat;
use chatpulse_web::OverlayLimits;

use super::environment::Environment;
use super::problems::Problems;
use super::reader::Reader;

pub(crate) struct LimitSettings {
    /// `None` disables the limit.
    pub(crate) votes: Option<BucketLimit>,
    pub(crate) overlays: OverlayLimits,
    pub(crate) clients_per_session_max: usize,
    pub(crate) tick: Duration,
    pub(crate) cleanup_interval: Duration,
    pub(crate) orphan_max_age: Duration,
    pub(crate) subscription_grace: Duration,
    pub(crate) reconcile_interval: Duration,
}

impl LimitSettings {
    /// Returns the limits used when no variable is set.
    pub(crate) fn defaults() -> Result<Self, Problems> {
        let nothing = Environment::default();
        let mut reader = Reader::new(&nothing);
        let limits = Self::read(&mut reader);
        reader.finish(LogFormat::Text)?;
        limits.ok_or_else(Problems::default)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let capacity = reader.count("VOTE_RATE_LIMIT_CAPACITY", 100, 0);
        let per_minute = reader.count("VOTE_RATE_LIMIT_RATE", 100, 0);
        let connections_max = reader.count("MAX_WEBSOCKET_CONNECTIONS", 10_000, 1);
        let per_ip_max = reader.count("MAX_CONNECTIONS_PER_IP", 100, 1);
        let rate_per_ip = reader.count("CONNECTION_RATE_PER_IP", 10, 1);
        let rate_burst = reader.count("CONNECTION_RATE_BURST", 20, 1);
        let clients_per_session_max = reader.count("BROADCASTER_MAX_CLIENTS_PER_SESSION", 50, 1);
        let tick = reader.duration("BROADCASTER_TICK_INTERVAL", Duration::from_millis(50));
        let cleanup_interval = reader.duration("CLEANUP_INTERVAL", Duration::from_secs(30));
        let orphan_max_age = reader.duration("ORPHAN_MAX_AGE", Duration::from_secs(30));
        let subscription_grace = reader.duration("SUBSCRIPTION_GRACE", Duration::from_mins(10));
        let reconcile_interval = reader.duration("RECONCILE_INTERVAL", Duration::from_mins(5));
        Some(Self {
            votes: BucketLimit::new(capacity?, per_minute?),
            overlays: OverlayLimits {
                connections_max: usize::try_from(connections_max?).ok()?,
                per_ip_max: usize::try_from(per_ip_max?).ok()?,
                rate_per_ip: rate_per_ip?,
                rate_burst: rate_burst?,
            },
            clients_per_session_max: usize::try_from(clients_per_session_max?).ok()?,
            tick: tick?,
            cleanup_interval: cleanup_interval?,
            orphan_max_age: orphan_max_age?,
            subscription_grace: subscription_grace?,
            reconcile_interval: reconcile_interval?,
        })
    }
}
