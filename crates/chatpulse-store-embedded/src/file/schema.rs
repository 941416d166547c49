//! Checks that a file is a whole database of ChatPulse, and migrates its schema.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::error::OpenError;

/// `ChPu`: marks a file as a database of ChatPulse, in the field of SQLite's header for that.
const APPLICATION_ID: i32 = 0x4368_5075;

const HISTORY_EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Refuses a file of another program, a damaged file, and a schema newer than this program. Only reads.
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = |error| OpenError::from_sqlite(path)(error);
    if !is_ours_or_empty(connection).map_err(sqlite)? {
        return Err(OpenError::NotADatabase { path: path.to_owned() });
    }
    let found: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(sqlite)?;
    if found != "ok" {
        return Err(OpenError::Damaged { path: path.to_owned(), source: found.into() });
    }
    let (found, known) = (version(connection).map_err(sqlite)?, newest());
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    Ok(())
}

/// Marks the file as ours and applies the missing migrations in one transaction. Returns their number.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<usize, OpenError> {
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(OpenError::from_sqlite(path))?;
    let runner = embedded::migrations::runner().set_grouped(true);
    let report = runner
        .run(connection)
        .map_err(|error| OpenError::Migration { path: path.to_owned(), source: error.into() })?;
    Ok(report.applied_migrations().len())
}

/// Returns how many migrations are missing.
pub(super) fn pending(connection: &Connection) -> rusqlite::Result<usize> {
    let applied = version(connection)?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter();
    Ok(known.filter(|migration| migration.version() > applied).count())
}

fn is_ours_or_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(id == APPLICATION_ID || (id == 0 && objects == 0))
}

/// The version of the schema; 0 before the first migration.
fn version(connection: &Connection) -> rusqlite::Result<i32> {
    let history = connection.query_row(HISTORY_EXISTS, [], |_| Ok(())).optional()?;
    if history.is_none() {
        return Ok(0);
    }
    connection.query_row(VERSION, [], |row| row.get(0))
}

fn newest() -> i32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(refinery::Migration::version);
    versions.max().unwrap_or(0)
}
