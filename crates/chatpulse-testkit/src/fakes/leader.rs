//! Leadership that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chatpulse_domain::ports::leadership::Leadership;

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
