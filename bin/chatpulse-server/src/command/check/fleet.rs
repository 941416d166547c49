//! Checks PostgreSQL and Redis. A build without the feature `fleet` has `no_fleet.rs` instead.

use chatpulse_domain::clock_offset::ClockOffset;
use chatpulse_domain::ports::clock::Clock as _;
use chatpulse_domain::ports::health::HealthCheck as _;
use chatpulse_store_pg::{PgConfig, PgPool, PgStreamers, PgSubscriptions, PgTokens, PoolToCheck, WriteError};
use chatpulse_store_redis::{ConnectError, FunctionsCheck, Redis, WrongType};

use super::database::Accounts;
use super::report::Report;
use super::{DO_AS_IT_SAYS, MIGRATE, with_cause};
use crate::clock::SystemClock;
use crate::settings::{PgSettings, RedisSettings};
use crate::wiring::stores::fleet::{pg_config, redis_config};

const LET_LOAD: &str = "let this user load and call functions: FUNCTION LOAD, FCALL, FCALL_RO";

/// What to do about the word with which Redis refuses writes.
const REMEDIES: [(&str, &str); 4] = [
    ("READONLY", "point REDIS_URL at the primary, not at a replica"),
    ("MISCONF", "Redis cannot save to its disk: free space there and read its log"),
    ("OOM", "Redis is out of memory: raise maxmemory, or remove what else is in it"),
    ("NOREPLICAS", "too few replicas are connected: start them, or lower min-replicas-to-write"),
];

pub(super) async fn check_postgres(pg: &PgSettings, report: &mut Report) -> anyhow::Result<Option<Accounts>> {
    let config = pg_config(pg)?;
    // The server's way to connect: a check of its own would not notice that the database only reads.
    let as_server = PgConfig { max_retries: 0, ..config.clone() };
    let PoolToCheck { pool, migrations_pending } = match PgPool::open_for_check(config).await {
        Ok(opened) => opened,
        Err(error) => {
            report.fail("database", error.to_string(), DO_AS_IT_SAYS);
            return Ok(None);
        }
    };
    let asked_at = SystemClock.now();
    if let Some(theirs) = pool.server_time().await {
        report.clock("database clock", "PostgreSQL", ClockOffset::between(asked_at, theirs));
    }
    let server = match PgPool::connect(as_server).await {
        Ok(server) => server,
        Err(error) => {
            report.fail("database", error.to_string(), DO_AS_IT_SAYS);
            return Ok(None);
        }
    };
    let tried = if migrations_pending > 0 { server.try_migrate().await } else { server.try_write().await };
    server.close();
    if let Err(error) = tried {
        report.fail("database", format!("PostgreSQL answers, but {error}"), remedy_of(&error));
        return Ok(None);
    }
    if migrations_pending > 0 {
        let found = format!("PostgreSQL answers and needs {migrations_pending} migrations");
        report.warn("database", found, MIGRATE);
        return Ok(None);
    }
    report.ok("database", "PostgreSQL answers, is up to date and takes writes");
    Ok(Some(Accounts {
        streamers: Box::new(PgStreamers::new(pool.clone())),
        tokens: Box::new(PgTokens::new(pool.clone())),
        subscriptions: Box::new(PgSubscriptions::new(pool)),
    }))
}

fn remedy_of(error: &WriteError) -> &'static str {
    match error {
        WriteError::Full(_) => "free space on the disk of PostgreSQL",
        WriteError::ReadOnly(_) => "point DATABASE_URL at the primary, or make this database writable",
        WriteError::MissingRights(_) => {
            "make this user the owner of the database, or grant it CREATE on the schema and SELECT, INSERT, UPDATE and \
             DELETE on its tables"
        }
        WriteError::Refused(_) | WriteError::Timeout => DO_AS_IT_SAYS,
    }
}

pub(super) async fn check_redis(redis: &RedisSettings, report: &mut Report) -> anyhow::Result<()> {
    let redis = match Redis::connect(&redis_config(redis)?).await {
        Ok(redis) => redis,
        Err(error @ ConnectError::Functions(_)) => {
            let found = with_cause(&error);
            let action = known_remedy(&found).unwrap_or(LET_LOAD);
            report.fail("redis functions", found, action);
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
            let found = with_cause(&error);
            let action =
                known_remedy(&found).unwrap_or("see what Redis says, and whether this user may write");
            report.fail("redis", found, action);
        }
    }
    check_keys(&redis, report).await;
    match FunctionsCheck(redis.clone()).check().await {
        Ok(()) => report.ok("redis functions", "loaded"),
        Err(error) => report.fail("redis functions", with_cause(&error), LET_LOAD),
    }
    redis.close().await;
    Ok(())
}

fn known_remedy(found: &str) -> Option<&'static str> {
    REMEDIES.into_iter().find(|(word, _)| found.contains(word)).map(|(_, remedy)| remedy)
}

/// Keys of another type make functions fail that every instance needs.
async fn check_keys(redis: &Redis, report: &mut Report) {
    let name = "redis keys";
    match redis.wrong_types().await {
        Ok(wrong) if wrong.is_empty() => report.ok(name, "none is of another program"),
        Ok(wrong) => {
            let each = |WrongType { key, found, expected }: &WrongType| {
                format!("`{key}` is a {found} and has to be a {expected}")
            };
            let found: Vec<String> = wrong.iter().map(each).collect();
            report.fail(
                name,
                found.join("; "),
                "delete these keys if nobody needs them, or give ChatPulse a database of its own: /1 in REDIS_URL",
            );
        }
        Err(error) => report.warn(name, with_cause(&error), "let this user call TYPE, then check again"),
    }
}
