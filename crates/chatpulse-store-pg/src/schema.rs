//! The version of the schema, and its migrations. One instance migrates at a time.
//!
//! Everything is sent unnamed and within one transaction, so that it works through a pooler in transaction mode.

use std::error::Error;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::open_error::OpenError;
use crate::target::Target;
use in_transaction::InTransaction;

mod in_transaction;

/// `ChatPuls` in ASCII: no other program uses this lock in the same database.
const LOCK: i64 = 0x4368_6174_5075_6C73;

/// `lock_timeout`: how long an instance waits for another that migrates, and a migration for its tables.
/// `statement_timeout`: how long one migration may run. Both end with the transaction, since a pooler gives the connection
/// to others afterwards.
const BEGIN: &str =
    "START TRANSACTION; SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '10min'";

const HISTORY_EXISTS: &str = include_str!("../queries/schema/history_exists.sql");
const VERSION: &str = include_str!("../queries/schema/version.sql");

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Applies the missing migrations in one transaction, and returns their number. Of several instances one migrates and
/// the others wait. The lock lives as long as the transaction, whichever connection of a pooler that has.
pub(crate) async fn migrate(client: &Client, target: &Target) -> Result<usize, OpenError> {
    let postgres = |error| OpenError::from_postgres(target)(error);
    client.batch_execute(BEGIN).await.map_err(postgres)?;
    client.query_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await.map_err(postgres)?;
    refuse_newer(client, target).await?;
    let runner = embedded::migrations::runner();
    let runner = runner.set_grouped(true).set_abort_divergent(true).set_abort_missing(true);
    let report = runner.run_async(&mut InTransaction(client)).await.map_err(|error| failed(target, error))?;
    client.batch_execute("COMMIT").await.map_err(postgres)?;
    Ok(report.applied_migrations().len())
}

/// Returns how many migrations are missing. Only reads.
pub(crate) async fn pending(client: &Client, target: &Target) -> Result<usize, OpenError> {
    let applied = refuse_newer(client, target).await?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter();
    Ok(known.filter(|migration| migration.version() > applied).count())
}

/// Returns the version of the schema, unless it is newer than this program.
async fn refuse_newer(client: &Client, target: &Target) -> Result<i32, OpenError> {
    let found = version(client).await.map_err(OpenError::from_postgres(target))?;
    let known = newest();
    if found > known {
        return Err(OpenError::Newer { database: target.database.clone(), found, known });
    }
    Ok(found)
}

/// The version of the schema; 0 before the first migration.
async fn version(client: &Client) -> Result<i32, tokio_postgres::Error> {
    let has_history: bool = client.query_typed_one(HISTORY_EXISTS, &[]).await?.try_get("history_exists")?;
    if !has_history {
        return Ok(0);
    }
    client.query_typed_one(VERSION, &[]).await?.try_get("version")
}

fn newest() -> i32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(refinery::Migration::version);
    versions.max().unwrap_or(0)
}

/// A missing right has a message of its own that says what to do.
fn failed(target: &Target, error: refinery::Error) -> OpenError {
    let refused = error.source().and_then(Error::source);
    let refused = refused.and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>());
    let lacks_right = refused
        .and_then(tokio_postgres::Error::code)
        .is_some_and(|code| *code == tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE);
    let Target { user, database, .. } = target.clone();
    if lacks_right {
        return OpenError::MayNotMigrate { user, database, source: error.into() };
    }
    OpenError::Migration { database, source: error.into() }
}
