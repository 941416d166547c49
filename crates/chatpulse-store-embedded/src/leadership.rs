//! Leadership and shards of a single instance.

use async_trait::async_trait;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};

/// The only instance: it always leads. The lock on the SQLite file keeps a second one from starting.
#[derive(Debug, Clone, Copy, Default)]
pub struct SingleInstance;

#[async_trait]
impl Leadership for SingleInstance {
    async fn is_leader(&self) -> bool {
        true
    }
}

#[async_trait]
impl ShardLeases for SingleInstance {
    async fn acquire(&self) -> Result<ShardSlot, StoreError> {
        Ok(ShardSlot::SOLE)
    }

    async fn release(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
