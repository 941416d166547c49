//! Leader election: the instance with the lease `cleanup:leader` does the housekeeping.
//!
//! [`RedisLeadership::run`] acquires and renews the lease. [`Leadership::is_leader`] trusts a renewal no longer than the
//! lease runs, counted from before the request was sent, so that two instances never lead at once. A leader's work
//! carries its fencing token as well, in case the process was paused in between.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::call::Call;
use crate::connection::Redis;
use crate::fencing::FencingTokens;
use crate::keys;
use crate::operation::LEAD;

/// Length of the lease.
const LEASE: Duration = Duration::from_secs(30);

/// How often the leader renews the lease.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// How often followers try to acquire it: a dead leader is replaced at most this long after its lease ended.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// Pause after a suspected state loss, so that repeated suspicions do not send requests without a pause.
const STATE_LOSS_PAUSE: Duration = Duration::from_millis(200);

/// How much earlier than its lease the leader stops: clocks do not run equally fast.
const MARGIN: Duration = Duration::from_secs(1);

/// The lease of the housekeeping, seen from one instance. Clones share their state.
#[derive(Clone)]
pub struct RedisLeadership {
    inner: Arc<Inner>,
}

struct Inner {
    redis: Redis,
    instance: InstanceId,
    fencing: FencingTokens,
    lease: Duration,
    /// Until when this instance leads; `None` as a follower.
    until: Mutex<Option<Instant>>,
    /// How often this instance became the leader.
    elections: watch::Sender<u64>,
}

impl RedisLeadership {
    /// For this process; sends nothing yet.
    pub fn new(redis: Redis, instance: InstanceId, fencing: FencingTokens) -> Self {
        Self::with_lease(redis, instance, fencing, LEASE)
    }

    /// With a lease of another length; for tests.
    pub fn with_lease(redis: Redis, instance: InstanceId, fencing: FencingTokens, lease: Duration) -> Self {
        let until = Mutex::default();
        let elections = watch::Sender::new(0);
        Self { inner: Arc::new(Inner { redis, instance, fencing, lease, until, elections }) }
    }

    /// Acquires the lease and renews it until `stop`, then releases it.
    pub async fn run(self, stop: CancellationToken) {
        // After a state loss another instance may have the lease.
        let mut state_losses = self.inner.redis.state_losses();
        loop {
            if let Err(error) = self.acquire().await {
                warn!(%error, "failed to acquire or renew the leader's lease; retrying");
            }
            let pause = if self.leads_until().is_some() { RENEW_EVERY } else { TRY_EVERY };
            // A failed renewal is retried well before the lease ends.
            let pause = if self.is_confirmed_recently() { pause } else { TRY_EVERY };
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
                Ok(()) = state_losses.changed() => {
                    state_losses.mark_unchanged();
                    sleep(STATE_LOSS_PAUSE).await;
                }
            }
        }
        self.release().await;
    }

    /// Acquires or renews the lease, as one step in Redis. Returns whether this instance leads.
    pub async fn acquire(&self) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let asked_at = Instant::now();
        let call = Call::writing("acquire_lease")
            .keys([keys::LEADER, keys::FENCE])
            .arg(&inner.instance)
            .arg(inner.fencing.leader())
            .arg(inner.lease.as_millis());
        let reply = inner.redis.call(LEAD, call).await?;
        if reply.word() != "leader" {
            self.follow();
            return Ok(false);
        }
        let token = reply.number(1, "fence").map_err(|failure| failure.during(LEAD))?;
        let is_new = token != inner.fencing.leader();
        inner.fencing.set_leader(token);
        *self.lock() = Some(asked_at + inner.lease.saturating_sub(MARGIN.min(inner.lease / 10)));
        metrics::gauge!("is_leader", "key" => keys::LEADER).set(1.0);
        if is_new {
            metrics::counter!("leader_elections_total", "key" => keys::LEADER).increment(1);
            inner.elections.send_modify(|elections| *elections += 1);
            info!(token, "this instance became the leader");
        }
        Ok(true)
    }

    /// Releases the lease, if this instance has it.
    pub async fn release(&self) {
        let inner = &self.inner;
        let token = inner.fencing.leader();
        self.follow();
        if token == 0 {
            return;
        }
        let call =
            Call::writing("release_lease").keys([keys::LEADER, keys::FENCE]).arg(&inner.instance).arg(token);
        if let Err(error) = inner.redis.call(LEAD, call).await {
            warn!(%error, "failed to release the leader's lease; it expires");
        }
    }

    /// Notifies whenever this instance becomes the leader.
    pub(crate) fn elections(&self) -> watch::Receiver<u64> {
        self.inner.elections.subscribe()
    }

    fn leads_until(&self) -> Option<Instant> {
        let until = *self.lock();
        let leading = until.filter(|until| Instant::now() < *until);
        if until.is_some() && leading.is_none() {
            // The token stays: the lease may still be ours to renew.
            metrics::gauge!("is_leader", "key" => keys::LEADER).set(0.0);
        }
        leading
    }

    fn is_confirmed_recently(&self) -> bool {
        let half = self.inner.lease / 2;
        self.leads_until().is_none_or(|until| until.duration_since(Instant::now()) >= half)
    }

    /// Stops leading. The last token stays, so that Redis refuses work which is still under way.
    fn follow(&self) {
        *self.lock() = None;
        metrics::gauge!("is_leader", "key" => keys::LEADER).set(0.0);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.inner.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Leadership for RedisLeadership {
    async fn is_leader(&self) -> bool {
        self.leads_until().is_some()
    }
}
