//! Opens PostgreSQL and Redis, and joins the instances that share live state. A build without the feature `fleet` has
//! `no_fleet.rs` instead.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::metrics::Family;
use chatpulse_domain::ports::shard_leases::ShardLeases as _;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_store_pg::{
    PgAppToken, PgConfig, PgLoginClaims, PgLoginSessions, PgPool, PgStreamers, PgSubscriptions, PgTokens, Tls,
};
use chatpulse_store_redis::{
    ConnectError, FencingTokens, FunctionsCheck, Probe, Redis, RedisConfig, RedisInstances, RedisLeadership,
    RedisLive, RedisShards, RedisSignals,
};
use tracing::warn;

use super::{Connection, LiveStores, Stores};
use crate::settings::{PgSettings, RedisSettings, Retries};
use crate::tls;

pub(crate) const POSTGRES_FAMILIES: &[Family] = chatpulse_store_pg::metrics::FAMILIES;
pub(crate) const REDIS_FAMILIES: &[Family] = chatpulse_store_redis::metrics::FAMILIES;

/// Adds the root certificates to the PostgreSQL settings.
pub(crate) fn pg_config(pg: &PgSettings) -> anyhow::Result<PgConfig> {
    let tls = if pg.encrypted {
        Tls::Verified(tls::client_config(&pg.roots).context("could not set up TLS")?)
    } else {
        Tls::Disabled
    };
    Ok(PgConfig { tls, ..pg.config.clone() })
}

/// Adds the root certificates to the Redis settings.
pub(crate) fn redis_config(redis: &RedisSettings) -> anyhow::Result<RedisConfig> {
    let tls = redis
        .encrypted
        .then(|| tls::client_config(&redis.roots))
        .transpose()
        .context("could not set up TLS")?;
    Ok(RedisConfig { tls, ..RedisConfig::new(redis.url.clone()) })
}

/// Updates the database schema.
pub(crate) async fn migrate(pg: &PgSettings) -> anyhow::Result<()> {
    PgPool::connect(pg_config(pg)?).await?.migrate().await?;
    Ok(())
}

/// Opens the database and updates its schema. Live state is in this process until [`join`].
pub(super) async fn open(pg: &PgSettings, limit: Option<BucketLimit>) -> anyhow::Result<Stores> {
    let pool = PgPool::connect(pg_config(pg)?).await?;
    pool.migrate().await?;
    let upkeep = pool.clone();
    Ok(Stores {
        streamers: Arc::new(PgStreamers::new(pool.clone())),
        tokens: Arc::new(PgTokens::new(pool.clone())),
        settings: Arc::new(chatpulse_store_pg::PgSettings::new(pool.clone())),
        subscriptions: Arc::new(PgSubscriptions::new(pool.clone())),
        login_sessions: Arc::new(PgLoginSessions::new(pool.clone())),
        login_claims: Arc::new(PgLoginClaims::new(pool.clone())),
        app_token: Arc::new(PgAppToken::new(pool.clone())),
        live: LiveStores::in_process(limit),
        health: vec![Arc::new(pool.clone())],
        tasks: vec![("PostgreSQL upkeep", Box::new(move |stop| Box::pin(upkeep.maintain(stop))))],
        connections: vec![Box::new(pool)],
    })
}

#[async_trait]
impl Connection for PgPool {
    async fn close(&self) {
        Self::close(self);
    }
}

/// Opens the records of subscriptions for reading.
pub(crate) async fn open_records(pg: &PgSettings) -> anyhow::Result<Box<dyn SubscriptionRepository>> {
    let opened = PgPool::open_for_check(pg_config(pg)?).await?;
    Ok(Box::new(PgSubscriptions::new(opened.pool)))
}

/// The registration of this instance in the fleet.
struct Membership {
    redis: Redis,
    instances: RedisInstances,
    shards: RedisShards,
}

#[async_trait]
impl Connection for Membership {
    /// Deregisters this instance, so that the others need not wait for its heartbeat timeout.
    async fn close(&self) {
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
    stores.connections.push(Box::new(Membership { redis, instances, shards }));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_databases_feed_the_same_families() {
        let without_labels = |families: &[Family]| -> Vec<(&str, &str)> {
            families.iter().map(|family| (family.name, family.help)).collect()
        };
        assert_eq!(
            without_labels(POSTGRES_FAMILIES),
            without_labels(chatpulse_store_embedded::metrics::FAMILIES)
        );
        assert_eq!(chatpulse_store_pg::QUERIES.len(), chatpulse_store_embedded::QUERIES.len());
    }
}
