//! Leader election: one instance at a time does the housekeeping.

use async_trait::async_trait;

/// Says whether this instance leads, for work that must not run twice at once.
#[async_trait]
pub trait Leadership: Send + Sync {
    /// Returns true while this instance holds the lease. Call it before each piece of work.
    async fn is_leader(&self) -> bool;
}
