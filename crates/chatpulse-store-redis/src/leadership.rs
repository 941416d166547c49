//! One instance at a time does the housekeeping: whoever holds the lease `cleanup:leader`.
//!
//! [`RedisLeadership::run`] keeps the lease, apart from the work. [`Leadership::is_leader`] trusts what was last
//! confirmed no longer than the lease runs, counted from before the question was sent, so that two never lead at
//! once; and whatever a leader does carries its fencing token, for the case that it was paused in between.

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

use crate::connection::Redis;
use crate::functions::Call;
use crate::keys;
use crate::live::Standing;
use crate::operation::LEAD;

/// How long a lease runs.
const LEASE: Duration = Duration::from_secs(30);

/// A leader extends it this often.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// Others ask for it this often: a dead leader is replaced at most so long after its lease.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// After Redis was doubted, before it is asked.
const PATIENCE: Duration = Duration::from_millis(200);

/// We stop a little before the lease does: clocks do not run equally fast.
const MARGIN: Duration = Duration::from_secs(1);

/// The lease of the clean-up. Clones are one.
#[derive(Clone)]
pub struct RedisLeadership {
    inner: Arc<Inner>,
}

struct Inner {
    redis: Redis,
    instance: InstanceId,
    standing: Standing,
    lease: Duration,
    /// Until when we lead; `None` as a follower.
    until: Mutex<Option<Instant>>,
    /// How often this instance began to lead.
    elections: watch::Sender<u64>,
}

impl RedisLeadership {
    /// For this process; asks nothing yet.
    pub fn new(redis: Redis, instance: InstanceId, standing: Standing) -> Self {
        Self::with_lease(redis, instance, standing, LEASE)
    }

    /// With another span; for tests.
    pub fn with_lease(redis: Redis, instance: InstanceId, standing: Standing, lease: Duration) -> Self {
        let until = Mutex::default();
        let elections = watch::Sender::new(0);
        Self { inner: Arc::new(Inner { redis, instance, standing, lease, until, elections }) }
    }

    /// Keeps asking for the lease, and keeps it, until `stop`; then gives it back.
    pub async fn run(self, stop: CancellationToken) {
        // A lease that Redis forgot may be another's by now.
        let mut doubts = self.inner.redis.doubts();
        loop {
            if let Err(error) = self.ask().await {
                warn!(%error, "the lease could not be asked for; it is tried again");
            }
            let pause = if self.leads_until().is_some() { RENEW_EVERY } else { TRY_EVERY };
            // A failed renewal is tried again well before the lease ends.
            let pause = if self.is_confirmed_recently() { pause } else { TRY_EVERY };
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
                Ok(()) = doubts.changed() => {
                    doubts.mark_unchanged();
                    // Not more often than a doubt that stays would ask.
                    sleep(PATIENCE).await;
                }
            }
        }
        self.resign().await;
    }

    /// Takes or extends the lease, as one step in Redis. `true` if we lead.
    pub async fn ask(&self) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let asked_at = Instant::now();
        let call = Call::writing("lead")
            .keys([keys::LEADER, keys::FENCE])
            .arg(&inner.instance)
            .arg(inner.standing.token())
            .arg(inner.lease.as_millis());
        let reply = inner.redis.call(LEAD, call).await?;
        if reply.word() != "leader" {
            self.follow();
            return Ok(false);
        }
        let token = reply.number(1, "fence").map_err(|failure| failure.during(LEAD))?;
        let is_new = token != inner.standing.token();
        inner.standing.set_token(token);
        *self.lock() = Some(asked_at + inner.lease.saturating_sub(MARGIN.min(inner.lease / 10)));
        metrics::gauge!("is_leader", "key" => keys::LEADER).set(1.0);
        if is_new {
            metrics::counter!("leader_elections_total", "key" => keys::LEADER).increment(1);
            inner.elections.send_modify(|elections| *elections += 1);
            info!(token, "this instance leads the clean-up");
        }
        Ok(true)
    }

    /// Gives the lease back, if it is ours.
    pub async fn resign(&self) {
        let inner = &self.inner;
        let token = inner.standing.token();
        self.follow();
        if token == 0 {
            return;
        }
        let call = Call::writing("resign").keys([keys::LEADER, keys::FENCE]).arg(&inner.instance).arg(token);
        if let Err(error) = inner.redis.call(LEAD, call).await {
            warn!(%error, "the lease could not be given back; it ends by itself");
        }
    }

    /// Changes whenever this instance begins to lead.
    pub(crate) fn elections(&self) -> watch::Receiver<u64> {
        self.inner.elections.subscribe()
    }

    pub(crate) fn leads_until(&self) -> Option<Instant> {
        let until = *self.lock();
        let leading = until.filter(|until| Instant::now() < *until);
        if until.is_some() && leading.is_none() {
            // The token stays: it may still be ours to extend.
            metrics::gauge!("is_leader", "key" => keys::LEADER).set(0.0);
        }
        leading
    }

    fn is_confirmed_recently(&self) -> bool {
        let half = self.inner.lease / 2;
        self.leads_until().is_none_or(|until| until.duration_since(Instant::now()) >= half)
    }

    /// The last token stays: work that is still under way is refused by it.
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
