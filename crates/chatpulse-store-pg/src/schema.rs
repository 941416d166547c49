//! The version of the schema, and its migrations. One instance migrates at a time.

use std::error::Error;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Client;

use crate::open_error::OpenError;
use crate::target::Target;

/// `ChatPuls` in ASCII: no other program uses this lock in the same database.
const LOCK: i64 = 0x4368_6174_5075_6C73;

/// `lock_timeout`: how long an instance waits for another that migrates, and a migration for its tables.
/// `statement_timeout`: how long one migration may run.
const TIMEOUTS: &str = "SET lock_timeout = '60s'; SET statement_timeout = '10min'";

const HISTORY_EXISTS: &str = include_str!("../queries/schema/history_exists.sql");
const VERSION: &str = include_str!("../queries/schema/version.sql");

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Applies the missing migrations in one transaction, and returns their number. Of several instances one migrates and
/// the others wait. Takes a connection of its own, since the lock lives as long as the connection.
pub(crate) async fn migrate(mut client: ClientWrapper, target: &Target) -> Result<usize, OpenError> {
    let postgres = |error| OpenError::from_postgres(target)(error);
    client.batch_execute(TIMEOUTS).await.map_err(postgres)?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(postgres)?;
    refuse_newer(&client, target).await?;
    let runner = embedded::migrations::runner();
    let runner = runner.set_grouped(true).set_abort_divergent(true).set_abort_missing(true);
    let report = runner.run_async(&mut *client).await.map_err(|error| failed(target, error))?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(postgres)?;
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
    let has_history: bool = client.query_one(HISTORY_EXISTS, &[]).await?.try_get("history_exists")?;
    if !has_history {
        return Ok(0);
    }
    client.query_one(VERSION, &[]).await?.try_get("version")
}

fn newest() -> i32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(refinery::Migration::version);
    versions.max().unwrap_or(0)
}

/// A missing right has a message of its own that says what to do.
fn failed(target: &Target, error: refinery::Error) -> OpenError {
    let refused = error.source().and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>());
    let lacks_right = refused
        .and_then(tokio_postgres::Error::code)
        .is_some_and(|code| *code == tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE);
    let Target { user, database, .. } = target.clone();
    if lacks_right {
        return OpenError::MayNotMigrate { user, database, source: error.into() };
    }
    OpenError::Migration { database, source: error.into() }
}
