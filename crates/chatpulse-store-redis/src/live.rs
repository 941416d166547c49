//! Votes and sessions of the whole fleet: one adapter, since a session's votes are part of its state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::token_bucket::BucketLimit;

use crate::connection::Redis;
use crate::held::Held;

/// Votes and sessions. Clones are one.
#[derive(Clone)]
pub struct RedisLive {
    pub(crate) redis: Redis,
    /// Each session's token bucket; `None` lets everybody pass.
    pub(crate) limit: Option<BucketLimit>,
    pub(crate) standing: Standing,
    /// What this process serves, to say it again when Redis forgot.
    pub(crate) held: Arc<Held>,
}

impl RedisLive {
    /// On a connection. `standing` is shared with this process's registry and leadership.
    pub fn new(redis: Redis, limit: Option<BucketLimit>, standing: Standing) -> Self {
        Self { redis, limit, standing, held: Arc::default() }
    }

    /// What this process may claim, to be shared with its registry and leadership.
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// There is no such session. If it is one that we serve, Redis has forgotten it, and perhaps others.
    pub(crate) fn miss(&self, overlay: OverlayId) {
        if self.held.contains(overlay) {
            self.redis.doubt();
        }
    }
}

/// What this process may claim at the moment. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    inner: Arc<Claims>,
}

#[derive(Debug, Default)]
struct Claims {
    /// Which registration of this instance it is. One that was given up for dead and comes back has a higher one.
    epoch: AtomicU64,
    /// Fencing token of the lease; 0 without one.
    token: AtomicU64,
}

impl Standing {
    pub(crate) fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::SeqCst)
    }

    pub(crate) fn set_epoch(&self, epoch: u64) {
        self.inner.epoch.store(epoch, Ordering::SeqCst);
    }

    /// Handed along with whatever a leader does: a later leader's token refuses it.
    pub fn token(&self) -> u64 {
        self.inner.token.load(Ordering::SeqCst)
    }

    pub(crate) fn set_token(&self, token: u64) {
        self.inner.token.store(token, Ordering::SeqCst);
    }
}
