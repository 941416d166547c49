//! Ports that a test can steer and make fail.
//!
//! [`FakeLive`], [`FakeAccounts`] and [`FakeSignals`] are the embedded stores behind a switch, so that no rule of a store is
//! written again here. The others stand in for Twitch and for the engine.

mod accounts;
mod chat;
mod cipher;
mod live;
mod signals;
mod twitch;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;

pub use accounts::{FakeAccounts, WithOutage};
pub use chat::FakeSink;
pub use cipher::FakeCipher;
pub use live::FakeLive;
pub use signals::FakeSignals;
pub use twitch::{FakeFeed, FakeLogin};

/// Whether a store is out of reach. Clones share one switch.
#[derive(Debug, Clone, Default)]
pub struct Outage {
    is_down: Arc<AtomicBool>,
}

impl Outage {
    /// Makes every call fail from now on.
    pub fn begin(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    /// Lets calls be answered again.
    pub fn end(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }

    /// An error during an outage.
    pub fn check(&self) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("reach the store")("the test began an outage"));
        }
        Ok(())
    }
}

/// Waits for `answer` without giving up the thread. A paused clock of Tokio jumps to the next timer whenever its runtime
/// has nothing to do, so it must not see that a call waits for SQLite's thread.
fn wait_for<F: Future>(answer: F) -> F::Output {
    // `unconstrained`: within one poll of the outer task Tokio's budget is not refilled.
    futures_executor::block_on(tokio::task::unconstrained(answer))
}

/// Implements a port for a fake whose method `reach` gives the real store, or an error during an outage.
macro_rules! forward_port {
    ($port:ident for $fake:ty { $(fn $call:ident($($name:ident: $value:ty),* $(,)?) -> $answer:ty;)* }) => {
        #[async_trait::async_trait]
        impl $port for $fake {
            $(async fn $call(&self, $($name: $value),*) -> Result<$answer, StoreError> {
                $crate::fakes::wait_for(self.reach()?.$call($($name),*))
            })*
        }
    };
}
use forward_port;

/// Leads while the test says so. Clones share one lease.
#[derive(Debug, Clone)]
pub struct FixedLeader {
    leads: Arc<AtomicBool>,
}

impl FixedLeader {
    /// Leads or not, until [`FixedLeader::set`] changes it.
    pub fn new(leads: bool) -> Self {
        Self { leads: Arc::new(AtomicBool::new(leads)) }
    }

    /// Gives or takes the lease away.
    pub fn set(&self, leads: bool) {
        self.leads.store(leads, Ordering::SeqCst);
    }
}

#[async_trait]
impl Leadership for FixedLeader {
    async fn is_leader(&self) -> bool {
        self.leads.load(Ordering::SeqCst)
    }
}
