//! A sign of life once a second: what the breaker, readiness and `degraded` go by when nobody votes.

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use fred::error::Error as FredError;
use fred::interfaces::{ClientLike as _, EventInterface};
use fred::types::ClientState;
use fred::types::config::Server;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::connection::Redis;
use crate::error::Failure;
use crate::operation::{LOAD, PROBE};

/// Often enough that `degraded` appears and goes within five seconds.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Asks Redis once a second; see [`Probe::run`].
pub struct Probe {
    redis: Redis,
    errors: Vec<Receiver<(FredError, Option<Server>)>>,
    reconnects: Vec<Receiver<Server>>,
}

impl Probe {
    /// Asks nothing yet.
    pub fn new(redis: Redis) -> Self {
        let errors = redis.clients().iter().map(EventInterface::error_rx).collect();
        let reconnects = redis.clients().iter().map(EventInterface::reconnect_rx).collect();
        Self { redis, errors, reconnects }
    }

    /// Probes until `stop`. Feeds the breaker, brings back functions that were lost or replaced by older ones, and
    /// keeps the connection metrics.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(PROBE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.probe().await;
            self.note_reconnects();
            self.note_connections();
        }
    }

    async fn probe(&self) {
        let version = self.redis.sign_of_life().await;
        let is_outage = version.as_ref().is_err_and(Failure::is_outage);
        self.redis.note_reachable(!is_outage);
        let ours = self.redis.library().version();
        if version.is_ok_and(|version| version.is_none_or(|version| version < ours))
            && let Err(error) = self.redis.load_functions().await
        {
            warn!(%error, "the functions are missing in Redis and could not be loaded; tried again in a second");
        }
    }

    /// A restart can be so quick that no probe fails.
    fn note_reconnects(&mut self) {
        let is_new = |reconnects: &mut Receiver<Server>| match reconnects.try_recv() {
            Ok(_) | Err(TryRecvError::Lagged(_)) => true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => false,
        };
        let mut came_back = false;
        for reconnects in &mut self.reconnects {
            while is_new(reconnects) {
                came_back = true;
            }
        }
        if came_back {
            self.redis.doubt();
        }
    }

    fn note_connections(&mut self) {
        for errors in &mut self.errors {
            count_errors(errors);
        }
        let clients = self.redis.clients();
        let connected = clients.iter().filter(|client| client.state() == ClientState::Connected).count();
        for (state, count) in [("connected", connected), ("disconnected", clients.len() - connected)] {
            let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            metrics::gauge!("redis_pool_connections_current", "state" => state).set(count);
        }
    }
}

/// Errors of a connection since the last look.
pub(crate) fn count_errors(errors: &mut Receiver<(FredError, Option<Server>)>) {
    let mut count = 0;
    loop {
        count += match errors.try_recv() {
            Ok(_) => 1,
            Err(TryRecvError::Lagged(missed)) => missed,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        };
    }
    metrics::counter!("redis_connection_errors_total").increment(count);
}

#[async_trait]
impl HealthCheck for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn check(&self) -> Result<(), StoreError> {
        // Without our functions it is alive all the same: that is another check's business.
        self.sign_of_life().await.map(|_| ()).map_err(|failure| failure.during(PROBE))
    }
}

/// Whether every node has our functions or newer ones. Loads what is missing, as a vote would.
pub struct FunctionsCheck(pub Redis);

#[async_trait]
impl HealthCheck for FunctionsCheck {
    fn name(&self) -> &'static str {
        "redis_functions"
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.load_functions().await.map_err(|failure| failure.during(LOAD))
    }
}
