//! The pool: connections for everybody, and the one way to the database.
//!
//! [`PgPool::connect`] to begin, [`PgPool::migrate`] next, [`PgPool::upkeep`] beside it all. Every query goes through
//! `call`: there it gets its deadline, its second try and its metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use deadpool_postgres::{ClientWrapper, Object, Pool};
use futures_util::TryStreamExt;
use metrics::{counter, gauge, histogram};
use tokio_postgres::Row;
use tracing::info;

use crate::config::PgConfig;
use crate::error::{Failure, OpenError, Place};
use crate::operation;
use crate::query::{Params, Query};
use crate::schema;
use lease::Lease;

mod connecting;
mod lease;
mod upkeep;

/// The longest a caller waits for an answer, from the pool's door to the last row.
const DEADLINE: Duration = Duration::from_secs(5);

const HEALTH: Query = Query::reading(operation::CHECK_HEALTH, include_str!("../queries/health/check.sql"));

/// Connections to one database. Clones are the same pool; [`PgPool::close`] closes it for all of them.
#[derive(Clone)]
pub struct PgPool {
    connections: Pool,
    config: Arc<PgConfig>,
    place: Place,
}

/// A database opened only to look at.
pub struct PoolToCheck {
    /// For reading; every write through it fails.
    pub pool: PgPool,
    /// Migrations that the server will apply at its next start. Until then some queries may fail.
    pub migrations_pending: usize,
}

/// What a statement gave.
struct Answer {
    rows: Vec<Row>,
    /// Rows that it wrote, for a statement that returns none.
    affected: u64,
}

impl PgPool {
    /// Opens the first connection, with further tries while the server is out of reach. The schema is left alone.
    pub async fn connect(config: PgConfig) -> Result<Self, OpenError> {
        let pool = connecting::pool(config, connecting::Access::Full)?;
        drop(pool.knock().await?);
        Ok(pool)
    }

    /// Opens the database for reading, beside running servers. One try, and nothing is migrated.
    pub async fn open_for_check(config: PgConfig) -> Result<PoolToCheck, OpenError> {
        let config = PgConfig { max_retries: 0, ..config };
        let pool = connecting::pool(config, connecting::Access::ReadOnly)?;
        let client = pool.knock().await?;
        let migrations_pending = schema::pending(&client, &pool.place).await?;
        drop(client);
        Ok(PoolToCheck { pool, migrations_pending })
    }

    /// Brings the schema up to date; returns how many migrations that took. Fine while servers use the database, and
    /// when several do it at once.
    pub async fn migrate(&self) -> Result<usize, OpenError> {
        let client = self.knock().await?;
        let applied = schema::bring_up_to_date(Object::take(client), &self.place).await?;
        if applied > 0 {
            info!("applied {applied} migrations to database {}", self.place.database);
        }
        Ok(applied)
    }

    /// Closes what is idle now, and what is busy as soon as it is done. Later calls are [`StoreError::Unavailable`].
    pub fn close(&self) {
        self.connections.close();
        self.show();
    }

    /// Runs a query that gives at most one row.
    pub(crate) async fn find<T>(
        &self,
        query: &Query,
        params: Params<'_>,
        read: impl FnOnce(&Row) -> Result<T, Failure>,
    ) -> Result<Option<T>, StoreError> {
        self.call(query, params, |answer| answer.rows.first().map(read).transpose()).await
    }

    /// Runs a query that gives any number of rows.
    pub(crate) async fn all<T>(
        &self,
        query: &Query,
        params: Params<'_>,
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Vec<T>, StoreError> {
        self.call(query, params, |answer| answer.rows.iter().map(read).collect()).await
    }

    /// Runs a statement that gives no rows; returns how many it changed.
    pub(crate) async fn execute(&self, query: &Query, params: Params<'_>) -> Result<u64, StoreError> {
        self.call(query, params, |answer| Ok(answer.affected)).await
    }

    /// Every query passes here.
    async fn call<T>(
        &self,
        query: &Query,
        params: Params<'_>,
        read: impl FnOnce(Answer) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = tokio::time::timeout(DEADLINE, self.ask(query, params)).await;
        histogram!("db_query_duration_seconds", "query" => query.operation.name).record(began.elapsed());
        self.show();
        answer.unwrap_or(Err(Failure::Unanswered("no answer in time"))).and_then(read).map_err(|failure| {
            counter!("db_errors_total", "query" => query.operation.name).increment(1);
            failure.during(query.operation.does)
        })
    }

    /// Asks, and asks once more if the connection died and the question may be repeated.
    async fn ask(&self, query: &Query, params: Params<'_>) -> Result<Answer, Failure> {
        match self.ask_once(query, params).await {
            Err(failure) if query.is_repeatable && failure.lost_its_connection() => {
                // The others lead to the same server, and have most likely died with this one.
                self.connections.retain(|_, _| false);
                self.ask_once(query, params).await
            }
            answered => answered,
        }
    }

    async fn ask_once(&self, query: &Query, params: Params<'_>) -> Result<Answer, Failure> {
        let lease = Lease::of(self.connections.get().await?);
        self.show();
        let answered = run(&lease, query, params).await;
        if answered.as_ref().err().is_none_or(Failure::leaves_the_connection_usable) {
            lease.give_back();
        }
        answered
    }

    fn show(&self) {
        let status = self.connections.status();
        let (idle, size) = (status.available, status.size);
        for (state, count) in [("idle", idle), ("active", size.saturating_sub(idle))] {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            gauge!("db_connections_current", "state" => state).set(count);
        }
    }
}

async fn run(client: &ClientWrapper, query: &Query, params: Params<'_>) -> Result<Answer, Failure> {
    let statement = client.prepare_cached(query.sql).await?;
    let mut stream = std::pin::pin!(client.query_raw(&statement, params.iter().copied()).await?);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    Ok(Answer { rows, affected: stream.rows_affected().unwrap_or(0) })
}

#[async_trait]
impl HealthCheck for PgPool {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.find(&HEALTH, &[], |_| Ok(())).await.map(|_| ())
    }
}
