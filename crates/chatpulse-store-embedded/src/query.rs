//! Runs cached statements on a connection, and converts rows to values.

use chatpulse_domain::ports::error::BoxError;
use rusqlite::{Connection, Params, Row};
use tracing::warn;

use crate::error::Failure;

/// Runs a query that returns at most one row.
pub(crate) fn find<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    match rows.next()? {
        Some(row) => read(row).map(Some),
        None => Ok(None),
    }
}

/// Runs a query that returns any number of rows.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then(params, read)?;
    rows.collect()
}

/// Runs a statement that returns no rows. Returns how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Failure> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// Empties the write-ahead log, where deleted rows stay readable until other writes come. A reader in another process may
/// prevent that for as long as it reads; then the log is emptied when the file is closed.
pub(crate) fn empty_log(connection: &Connection) -> Result<(), Failure> {
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy {
        warn!(
            "the write-ahead log holds bytes of a deleted account until the next stop: another process reads the file"
        );
    }
    Ok(())
}

/// Reads a text column and parses it into a type of the domain. `place` is `table.column`.
pub(crate) fn parsed<T>(row: &Row<'_>, column: &str, place: &'static str) -> Result<T, Failure>
where
    T: std::str::FromStr<Err: Into<BoxError>>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(Failure::corrupt(place))
}
