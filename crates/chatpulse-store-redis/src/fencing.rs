//! The fencing tokens of this instance. Redis refuses work that carries an older one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The current tokens of this instance. Clones share them: sessions, registry and leadership of one process use the
/// same.
#[derive(Debug, Clone, Default)]
pub struct FencingTokens {
    inner: Arc<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    epoch: AtomicU64,
    leader: AtomicU64,
}

impl FencingTokens {
    /// The epoch of this instance's registration. An instance that was declared dead and comes back has a higher one.
    pub(crate) fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::SeqCst)
    }

    pub(crate) fn set_epoch(&self, epoch: u64) {
        self.inner.epoch.store(epoch, Ordering::SeqCst);
    }

    /// The token of the leader's lease; 0 if this instance never had it. A later leader's token is higher.
    pub fn leader(&self) -> u64 {
        self.inner.leader.load(Ordering::SeqCst)
    }

    pub(crate) fn set_leader(&self, token: u64) {
        self.inner.leader.store(token, Ordering::SeqCst);
    }
}
