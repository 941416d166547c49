//! Which version the schema has, and the way to the newest, one instance at a time.

use std::error::Error;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Client;

use crate::error::{OpenError, Place};

/// `ChatPuls` in ASCII: nobody else's lock in the same database.
const LOCK: i64 = 0x4368_6174_5075_6C73;

/// How long an instance waits for another that migrates, and a migration for its tables; then how long it may run.
const TIMEOUTS: &str = "SET lock_timeout = '60s'; SET statement_timeout = '10min'";

const HISTORY_EXISTS: &str = include_str!("../queries/schema/history_exists.sql");
const VERSION: &str = include_str!("../queries/schema/version.sql");

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Applies what is missing, all or nothing, and returns how many migrations that were. Of several instances at once
/// one does it, and the others wait for it. Takes a connection of its own, since the lock lives as long as that.
pub(crate) async fn bring_up_to_date(mut client: ClientWrapper, place: &Place) -> Result<usize, OpenError> {
    let postgres = |error| OpenError::from_postgres(place)(error);
    client.batch_execute(TIMEOUTS).await.map_err(postgres)?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(postgres)?;
    refuse_newer(&client, place).await?;
    let runner = embedded::migrations::runner();
    let runner = runner.set_grouped(true).set_abort_divergent(true).set_abort_missing(true);
    let report = runner.run_async(&mut *client).await.map_err(|error| failed(place, error))?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(postgres)?;
    Ok(report.applied_migrations().len())
}

/// How many migrations this program knows that the database has not seen. Only reads.
pub(crate) async fn pending(client: &Client, place: &Place) -> Result<usize, OpenError> {
    let applied = refuse_newer(client, place).await?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter();
    Ok(known.filter(|migration| migration.version() > applied).count())
}

/// Returns the version that is not newer than this program.
async fn refuse_newer(client: &Client, place: &Place) -> Result<i32, OpenError> {
    let found = version(client).await.map_err(OpenError::from_postgres(place))?;
    let known = newest();
    if found > known {
        return Err(OpenError::Newer { database: place.database.clone(), found, known });
    }
    Ok(found)
}

/// 0 before the first migration.
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

/// Where refinery's error is PostgreSQL's, that one knows better what to do.
fn failed(place: &Place, error: refinery::Error) -> OpenError {
    let refused = error.source().and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>());
    let is_of_rights = refused
        .and_then(tokio_postgres::Error::code)
        .is_some_and(|code| *code == tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE);
    let Place { user, database, .. } = place.clone();
    if is_of_rights {
        return OpenError::MayNotMigrate { user, database, source: error.into() };
    }
    OpenError::Migration { database, source: error.into() }
}
