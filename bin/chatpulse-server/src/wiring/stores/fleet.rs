//! PostgreSQL and Redis: completes their configuration and joins the instances that share live state.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::shard_leases::ShardLeases as _;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_store_pg::{PgConfig, Tls};
use chatpulse_store_redis::{
    ConnectError, FencingTokens, FunctionsCheck, Probe, Redis, RedisConfig, RedisInstances, RedisLeadership,
    RedisLive, RedisShards, RedisSignals,
};
use tracing::warn;

use super::{LiveStores, Stores};
use crate::settings::{PgSettings, RedisSettings, Retries};
use crate::tls;

/// Adds the root certificates to the PostgreSQL settings.
pub(crate) fn pg_config(pg: &PgSettings) -> anyhow::Result<PgConfig> {
    let tls = if pg.encrypted {
        Tls::Verified(tls::client_config().context("could not set up TLS")?)
    } else {
        Tls::Disabled
    };
    Ok(PgConfig { tls, ..pg.config.clone() })
}

/// Adds the root certificates to the Redis settings.
pub(crate) fn redis_config(redis: &RedisSettings) -> anyhow::Result<RedisConfig> {
    let tls = redis.encrypted.then(tls::client_config).transpose().context("could not set up TLS")?;
    Ok(RedisConfig { tls, ..RedisConfig::new(redis.url.clone()) })
}

/// The registration of this instance in the fleet.
pub(super) struct Membership {
    redis: Redis,
    instances: RedisInstances,
    shards: RedisShards,
}

impl Membership {
    /// Deregisters this instance, so that the others need not wait for its heartbeat timeout.
    pub(super) async fn leave(&self) {
        if let Err(error) = self.shards.release().await {
            warn!(%error, "this instance's shard could not be given to another; it is taken over in half a minute");
        }
        if let Err(error) = self.instances.deregister().await {
            warn!(%error, "the other instances could not be told that this one stops; they will find out");
        }
        self.redis.close().await;
    }
}

/// Moves live state to Redis and shares it with all instances that use it.
pub(super) async fn join(
    stores: &mut Stores,
    settings: &RedisSettings,
    retries: Retries,
    limit: Option<BucketLimit>,
    instance: &InstanceId,
    tick: Duration,
) -> anyhow::Result<()> {
    let redis = connect(&redis_config(settings)?, retries).await?;
    let fencing = FencingTokens::default();
    let live = RedisLive::new(redis.clone(), limit, fencing.clone());
    let (signals, worker) = RedisSignals::connect(&redis, instance.clone(), tick).await?;
    let leadership = RedisLeadership::new(redis.clone(), instance.clone(), fencing);
    let membership = || RedisInstances::new(live.clone(), leadership.clone(), instance.clone());
    let (instances, beating) = (membership(), membership());
    instances.heartbeat().await.context("this instance could not be registered in Redis")?;

    let shards = RedisShards::new(redis.clone(), instance.clone());
    let (leading, probe) = (leadership.clone(), Probe::new(redis.clone()));
    stores.tasks.push(("Redis signals", Box::new(move |stop| Box::pin(worker.run(stop)))));
    stores.tasks.push(("Redis leadership", Box::new(move |stop| Box::pin(leading.run(stop)))));
    stores.tasks.push(("Redis instances", Box::new(move |stop| Box::pin(beating.run(stop)))));
    stores.tasks.push(("Redis probe", Box::new(move |stop| Box::pin(probe.run(stop)))));
    stores.health.push(Arc::new(redis.clone()));
    stores.health.push(Arc::new(FunctionsCheck(redis.clone())));
    let live = Arc::new(live);
    stores.live = LiveStores {
        votes: Arc::clone(&live) as Arc<dyn VoteStore>,
        sessions: live,
        signals: Arc::new(signals),
        leadership: Arc::new(leadership),
        shards: Arc::new(shards.clone()),
        is_shared: true,
    };
    stores.closing.redis = Some(Membership { redis, instances, shards });
    Ok(())
}

/// Connects to Redis and retries while it is unreachable, with a backoff that doubles each time.
async fn connect(config: &RedisConfig, retries: Retries) -> anyhow::Result<Redis> {
    let mut pause = retries.first_pause;
    let mut left = retries.further_tries;
    loop {
        match Redis::connect(config).await {
            Err(error @ ConnectError::Unreachable { .. }) if left > 0 => {
                warn!(%error, retry_in_ms = pause.as_millis(), "Redis is out of reach; trying again");
                tokio::time::sleep(pause).await;
                (left, pause) = (left - 1, pause * 2);
            }
            connected => return Ok(connected?),
        }
    }
}
