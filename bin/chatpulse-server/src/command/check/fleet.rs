//! Checks PostgreSQL and Redis. A build without the feature `fleet` has `no_fleet.rs` instead.

use chatpulse_domain::ports::health::HealthCheck as _;
use chatpulse_store_pg::{PgPool, PgStreamers, PgSubscriptions, PgTokens, PoolToCheck};
use chatpulse_store_redis::{ConnectError, FunctionsCheck, Redis};

use super::report::Report;
use super::{Accounts, DO_AS_IT_SAYS, MIGRATE, with_cause};
use crate::settings::{PgSettings, RedisSettings};
use crate::wiring::stores::fleet::{pg_config, redis_config};

const LET_LOAD: &str = "let this user load and call functions: FUNCTION LOAD, FCALL, FCALL_RO";

pub(super) async fn check_postgres(pg: &PgSettings, report: &mut Report) -> anyhow::Result<Option<Accounts>> {
    match PgPool::open_for_check(pg_config(pg)?).await {
        Ok(PoolToCheck { pool, migrations_pending: 0 }) => {
            report.ok("database", "PostgreSQL answers and is up to date");
            Ok(Some(Accounts {
                streamers: Box::new(PgStreamers::new(pool.clone())),
                tokens: Box::new(PgTokens::new(pool.clone())),
                subscriptions: Box::new(PgSubscriptions::new(pool)),
            }))
        }
        Ok(PoolToCheck { migrations_pending, .. }) => {
            report.warn(
                "database",
                format!("PostgreSQL answers and needs {migrations_pending} migrations"),
                MIGRATE,
            );
            Ok(None)
        }
        Err(error) => {
            report.fail("database", error.to_string(), DO_AS_IT_SAYS);
            Ok(None)
        }
    }
}

pub(super) async fn check_redis(redis: &RedisSettings, report: &mut Report) -> anyhow::Result<()> {
    let redis = match Redis::connect(&redis_config(redis)?).await {
        Ok(redis) => redis,
        Err(error @ ConnectError::Functions(_)) => {
            report.ok("redis", "it answers");
            report.fail("redis functions", with_cause(&error), LET_LOAD);
            return Ok(());
        }
        Err(error) => {
            report.fail(
                "redis",
                with_cause(&error),
                "see whether REDIS_URL is right and Redis 7 or later runs there",
            );
            return Ok(());
        }
    };
    match redis.check().await {
        Ok(()) => report.ok("redis", "it answers and takes writes"),
        Err(error) => {
            report.fail("redis", with_cause(&error), "point REDIS_URL at the primary, not at a replica");
        }
    }
    match FunctionsCheck(redis.clone()).check().await {
        Ok(()) => report.ok("redis functions", "loaded"),
        Err(error) => report.fail("redis functions", with_cause(&error), LET_LOAD),
    }
    redis.close().await;
    Ok(())
}
