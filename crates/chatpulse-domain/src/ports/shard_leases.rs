//! Which shard of the conduit is whose, where each instance reads chat by a socket of its own.

use async_trait::async_trait;

use super::error::StoreError;

/// One instance's place among the shards, and how many there have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardPlace {
    /// Ours, counted from 0.
    pub index: u32,
    /// One more than the highest that a living instance holds.
    pub count: u32,
}

impl ShardPlace {
    /// Of an instance that is alone.
    pub const SOLE: Self = Self { index: 0, count: 1 };
}

/// Gives each living instance a shard, without gaps in the long run: whoever holds the highest moves into the place
/// of one that died, so there are never more shards than instances for longer than a lease.
#[async_trait]
pub trait ShardLeases: Send + Sync {
    /// Takes a place, keeps the one we have, or moves to a lower one. To be called well within the lease (30 s): a
    /// place that is not kept goes to another.
    async fn hold(&self) -> Result<ShardPlace, StoreError>;

    /// Leaves our place to another: we cannot use it, or stop.
    async fn give_up(&self) -> Result<(), StoreError>;
}
