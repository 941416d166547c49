//! Leadership where nobody else could lead.

use async_trait::async_trait;
use chatpulse_domain::ports::leadership::Leadership;

/// The only instance there is. The lock on the SQLite file keeps it so.
#[derive(Debug, Clone, Copy, Default)]
pub struct SingleInstance;

#[async_trait]
impl Leadership for SingleInstance {
    async fn is_leader(&self) -> bool {
        true
    }
}
