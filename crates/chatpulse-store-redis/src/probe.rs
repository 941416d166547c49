//! Probes Redis once a second, so that the breaker, readiness and `degraded` are right without traffic.

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
use tracing::{debug, info, warn};

use crate::connection::{Redis, count_connection_errors};
use crate::error::Failure;
use crate::operation::{LOAD, PROBE};

/// Often enough that `degraded` appears and goes within five seconds.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Probes Redis; see [`Probe::run`].
pub struct Probe {
    redis: Redis,
    errors: Vec<Receiver<(FredError, Option<Server>)>>,
    reconnects: Vec<Receiver<Server>>,
}

impl Probe {
    /// Sends nothing yet.
    pub fn new(redis: Redis) -> Self {
        let errors = redis.clients().iter().map(EventInterface::error_rx).collect();
        let reconnects = redis.clients().iter().map(EventInterface::reconnect_rx).collect();
        Self { redis, errors, reconnects }
    }

    /// Probes until `stop`. Opens and closes the breaker, loads functions that are missing or older, and updates the
    /// metrics of the connections.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(PROBE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.probe().await;
            self.check_reconnects();
            self.update_metrics();
        }
    }

    async fn probe(&self) {
        let version = self.redis.probe_writable().await;
        let is_outage = version.as_ref().is_err_and(Failure::is_outage);
        self.redis.set_reachable(!is_outage);
        self.note_refusal(version.as_ref().err());
        let ours = self.redis.library().version();
        if version.is_ok_and(|version| version.is_none_or(|version| version < ours))
            && let Err(error) = self.redis.load_functions().await
        {
            warn!(%error, "failed to load the functions into Redis; retrying in a second");
        }
        if !is_outage && let Err(error) = self.redis.sample_clocks().await {
            debug!(%error, "failed to read the time of a Redis node; retrying in a second");
        }
    }

    /// Keeps the last refusal during an outage, which says nothing about it.
    fn note_refusal(&self, failure: Option<&Failure>) {
        let was_refused = self.redis.refusal().borrow().is_some();
        match failure {
            Some(Failure::RefusesWrites(words)) => {
                if !was_refused {
                    warn!(words, "Redis takes no writes, so no vote counts");
                }
                self.redis.set_refusal(Some(words.clone()));
            }
            Some(failure) if failure.is_outage() => {}
            _ => {
                if was_refused {
                    info!("Redis takes writes again");
                }
                self.redis.set_refusal(None);
            }
        }
    }

    /// Suspects a state loss after a reconnection: Redis can restart between two probes.
    fn check_reconnects(&mut self) {
        let is_new = |reconnects: &mut Receiver<Server>| match reconnects.try_recv() {
            Ok(_) | Err(TryRecvError::Lagged(_)) => true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => false,
        };
        let mut reconnected = false;
        for reconnects in &mut self.reconnects {
            while is_new(reconnects) {
                reconnected = true;
            }
        }
        if reconnected {
            self.redis.suspect_state_loss();
        }
    }

    fn update_metrics(&mut self) {
        for errors in &mut self.errors {
            count_connection_errors(errors);
        }
        let clients = self.redis.clients();
        let connected = clients.iter().filter(|client| client.state() == ClientState::Connected).count();
        for (state, count) in [("connected", connected), ("disconnected", clients.len() - connected)] {
            let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            metrics::gauge!("redis_pool_connections_current", "state" => state).set(count);
        }
    }
}

#[async_trait]
impl HealthCheck for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    /// Passes without our functions too: [`FunctionsCheck`] reports those. [`StoreError::RefusesWrites`] has Redis' words
    /// if a node answers and takes no writes.
    async fn check(&self) -> Result<(), StoreError> {
        self.probe_writable().await.map(|_| ()).map_err(|failure| failure.during(PROBE))
    }
}

/// Checks that every node has our functions or newer ones. Loads what is missing, as a vote would.
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
