//! Stores that a test can make fail, like a server that went away.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatpulse_domain::ports::error::StoreError;

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
pub(super) fn wait_for<F: Future>(answer: F) -> F::Output {
    // `unconstrained`: within one poll of the outer task Tokio's budget is not refilled.
    futures_executor::block_on(tokio::task::unconstrained(answer))
}

/// Implements a port for a fake whose method `reach` gives the real store, or an error during an outage.
macro_rules! forward_port {
    ($port:ident for $fake:ty { $(fn $call:ident($($name:ident: $value:ty),* $(,)?) -> $answer:ty;)* }) => {
        #[async_trait::async_trait]
        impl $port for $fake {
            $(async fn $call(&self, $($name: $value),*) -> Result<$answer, StoreError> {
                $crate::fakes::outage::wait_for(self.reach()?.$call($($name),*))
            })*
        }
    };
}
pub(super) use forward_port;
