//! A switch that makes a fake fail like a server that went away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatpulse_domain::ports::error::StoreError;

/// Whether a store is out of reach. Clones are one switch.
#[derive(Debug, Clone, Default)]
pub struct Outage {
    is_down: Arc<AtomicBool>,
}

impl Outage {
    /// From now on every call fails.
    pub fn begin(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    /// Calls are answered again.
    pub fn end(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }

    /// An error while it lasts. `operation` is a verb phrase.
    pub fn check(&self, operation: &'static str) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable(operation)("the fake was told to fail"));
        }
        Ok(())
    }
}
