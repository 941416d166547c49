//! Assigns the shards of the conduit to instances. The rule is in `lua/fleet.lua`, `acquire_shard`.

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};

use crate::call::Call;
use crate::connection::Redis;
use crate::keys;
use crate::operation::SHARD;

/// How long a silent instance keeps its shard.
const LEASE: Duration = Duration::from_secs(30);

/// The shards, seen from one instance.
#[derive(Clone)]
pub struct RedisShards {
    redis: Redis,
    instance: InstanceId,
    lease: Duration,
}

impl RedisShards {
    /// For this process; sends nothing yet.
    pub fn new(redis: Redis, instance: InstanceId) -> Self {
        Self::with_lease(redis, instance, LEASE)
    }

    /// With a lease of another length; for tests.
    pub fn with_lease(redis: Redis, instance: InstanceId, lease: Duration) -> Self {
        Self { redis, instance, lease }
    }
}

#[async_trait]
impl ShardLeases for RedisShards {
    async fn acquire(&self) -> Result<ShardSlot, StoreError> {
        let call = Call::writing("acquire_shard")
            .keys([keys::SHARDS])
            .arg(&self.instance)
            .arg(self.lease.as_millis());
        let reply = self.redis.call(SHARD, call).await?;
        let number = |index| reply.number::<u32>(index, "shards").map_err(|failure| failure.during(SHARD));
        Ok(ShardSlot { index: number(1)?, count: number(2)? })
    }

    async fn release(&self) -> Result<(), StoreError> {
        let call = Call::writing("release_shard").keys([keys::SHARDS]).arg(&self.instance);
        self.redis.call(SHARD, call).await.map(drop)
    }
}
