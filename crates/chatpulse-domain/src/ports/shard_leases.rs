//! Which shard of the conduit belongs to which instance, where each instance reads chat by a socket of its own.

use async_trait::async_trait;

use super::error::StoreError;

/// The shard of one instance, and how many shards the conduit needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardSlot {
    /// This instance's shard, counted from 0.
    pub index: u32,
    /// One more than the highest index that a living instance has.
    pub count: u32,
}

impl ShardSlot {
    /// The slot of an instance that is alone.
    pub const SOLE: Self = Self { index: 0, count: 1 };
}

/// Gives each living instance a slot. Whoever has the highest one moves into the slot of an instance that died, so
/// there are never more shards than instances for longer than a lease.
#[async_trait]
pub trait ShardLeases: Send + Sync {
    /// Takes a slot, renews the lease of the one we have, or moves to a lower one. To be called well within the lease
    /// (30 s): a slot that is not renewed goes to another instance.
    async fn acquire(&self) -> Result<ShardSlot, StoreError>;

    /// Gives our slot to another instance: we cannot use it, or stop.
    async fn release(&self) -> Result<(), StoreError>;
}
