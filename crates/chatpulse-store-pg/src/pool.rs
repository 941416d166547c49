//! The connection pool, and the one way to the database.
//!
//! Open it with [`PgPool::connect`], then [`PgPool::migrate`], and run [`PgPool::maintain`] beside it. Every query goes
//! through `call`, which sets its deadline, retries it and records its metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use deadpool_postgres::{ClientWrapper, Object, Pool};
use futures_util::TryStreamExt;
use metrics::{counter, gauge, histogram};
use tokio::time::timeout_at;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::info;

use crate::config::PgConfig;
use crate::error::Failure;
use crate::open_error::OpenError;
use crate::operation;
use crate::query::{Params, Query};
use crate::schema;
use crate::target::Target;
use checkout::Checkout;

mod cancel;
mod checkout;
mod maintenance;
mod opening;
mod trial;

pub use trial::WriteError;

/// Deadline of a query, from waiting for a connection to the last row.
const DEADLINE: Duration = Duration::from_secs(5);

/// When the server is asked to end the statement, so that the error can say that it took too long.
const CANCEL_AFTER: Duration = Duration::from_secs(4);

const HEALTH: Query = Query::reading(operation::CHECK_HEALTH, include_str!("../queries/health/check.sql"));

/// Connections to one database. Clones share them; [`PgPool::close`] closes the pool for all clones.
#[derive(Clone)]
pub struct PgPool {
    connections: Pool,
    config: Arc<PgConfig>,
    target: Target,
    access: Access,
}

/// What may be done through a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Full,
    /// Every statement runs in a transaction that only reads: an option of the connection would be refused by poolers.
    ReadOnly,
}

/// A database that was opened only for a check.
pub struct PoolToCheck {
    /// For reading; every write through it fails.
    pub pool: PgPool,
    /// Number of migrations that the server will apply at its next start. Until then some queries may fail.
    pub migrations_pending: usize,
}

/// The answer to a statement.
struct Answer {
    rows: Vec<Row>,
    /// Number of rows written, for a statement that returns none.
    affected: u64,
}

impl PgPool {
    /// Applies missing migrations, and returns their number. Servers may use the database meanwhile, and several
    /// instances may call it at once.
    pub async fn migrate(&self) -> Result<usize, OpenError> {
        let client = self.connect_with_retry().await?;
        if self.access == Access::ReadOnly {
            return Err(OpenError::OnlyForReading);
        }
        let applied = schema::migrate(&Object::take(client), &self.target).await?;
        if applied > 0 {
            info!(applied, database = self.target.database, "applied migrations");
        }
        Ok(applied)
    }

    /// Closes idle connections now, and busy ones after their query. Later queries fail with
    /// [`StoreError::Unavailable`].
    pub fn close(&self) {
        self.connections.close();
        self.update_metrics();
    }

    /// Runs a query that returns at most one row.
    pub(crate) async fn find<T>(
        &self,
        query: &Query,
        params: Params<'_>,
        read: impl FnOnce(&Row) -> Result<T, Failure>,
    ) -> Result<Option<T>, StoreError> {
        self.call(query, params, |answer| answer.rows.first().map(read).transpose()).await
    }

    /// Runs a query that returns any number of rows.
    pub(crate) async fn all<T>(
        &self,
        query: &Query,
        params: Params<'_>,
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Vec<T>, StoreError> {
        self.call(query, params, |answer| answer.rows.iter().map(read).collect()).await
    }

    /// Runs a statement that returns no rows. Returns how many rows it changed.
    pub(crate) async fn execute(&self, query: &Query, params: Params<'_>) -> Result<u64, StoreError> {
        self.call(query, params, |answer| Ok(answer.affected)).await
    }

    async fn call<T>(
        &self,
        query: &Query,
        params: Params<'_>,
        read: impl FnOnce(Answer) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = tokio::time::timeout(DEADLINE, self.run_with_retry(query, params)).await;
        histogram!("db_query_duration_seconds", "query" => query.operation.name).record(began.elapsed());
        self.update_metrics();
        answer.unwrap_or(Err(Failure::Unanswered("no answer in time"))).and_then(read).map_err(|failure| {
            counter!("db_errors_total", "query" => query.operation.name).increment(1);
            failure.during(query.operation.does)
        })
    }

    /// Runs a query. Runs it once more if the connection broke and the query may be repeated.
    async fn run_with_retry(&self, query: &Query, params: Params<'_>) -> Result<Answer, Failure> {
        let cancel_at = tokio::time::Instant::now() + CANCEL_AFTER;
        match self.run_once(query, params, cancel_at).await {
            Err(failure) if query.is_repeatable && failure.is_connection_lost() => {
                // The other connections go to the same server, so most likely they broke too.
                self.connections.retain(|_, _| false);
                self.run_once(query, params, cancel_at).await
            }
            answered => answered,
        }
    }

    async fn run_once(
        &self,
        query: &Query,
        params: Params<'_>,
        cancel_at: tokio::time::Instant,
    ) -> Result<Answer, Failure> {
        let checkout = Checkout::new(self.connections.get().await?, self.config.tls.clone());
        self.update_metrics();
        let answered = self.run_until_canceled(&checkout, query, params, cancel_at).await;
        if answered.as_ref().err().is_none_or(Failure::keeps_connection_usable) {
            checkout.give_back();
        }
        answered
    }

    /// Waits for the answer also after the server was asked to end the statement: it says then that it did.
    async fn run_until_canceled(
        &self,
        client: &ClientWrapper,
        query: &Query,
        params: Params<'_>,
        cancel_at: tokio::time::Instant,
    ) -> Result<Answer, Failure> {
        let mut running = std::pin::pin!(run(client, query, params, self.access));
        if let Ok(answered) = timeout_at(cancel_at, &mut running).await {
            return answered;
        }
        cancel::cancel(client.cancel_token(), self.config.tls.clone()).await;
        running.await
    }

    fn update_metrics(&self) {
        let status = self.connections.status();
        let (idle, size) = (status.available, status.size);
        for (state, count) in [("idle", idle), ("active", size.saturating_sub(idle))] {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            gauge!("db_connections_current", "state" => state).set(count);
        }
    }
}

async fn run(
    client: &ClientWrapper,
    query: &Query,
    params: Params<'_>,
    access: Access,
) -> Result<Answer, Failure> {
    if access == Access::Full {
        return send(client, query, params).await;
    }
    client.batch_execute("START TRANSACTION READ ONLY").await?;
    let answer = send(client, query, params).await;
    client.batch_execute("ROLLBACK").await?;
    answer
}

/// Sends it unnamed and in one message, so that it works behind a pooler in transaction mode.
async fn send(client: &ClientWrapper, query: &Query, params: Params<'_>) -> Result<Answer, Failure> {
    let params = params.iter().map(|param| (*param as &(dyn ToSql + Sync), param.sql_type()));
    let mut stream = std::pin::pin!(client.query_typed_raw(query.sql, params).await?);
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
