//! Leadership by decree.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chatpulse_domain::ports::leadership::Leadership;

/// Leads as long as it is told to. Clones are one.
#[derive(Debug, Clone)]
pub struct FixedLeader {
    leads: Arc<AtomicBool>,
}

impl FixedLeader {
    /// Leads, or not, until told otherwise.
    pub fn new(leads: bool) -> Self {
        Self { leads: Arc::new(AtomicBool::new(leads)) }
    }

    /// Gives or takes the lease.
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
