//! Tries whether the file can be written, for a check. Writes as a server would, and takes it back.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::opening::connect;
use crate::error::WriteError;

/// More than a save needs, and less than a disk that is still of use has left.
const BYTES: i64 = 256 * 1024;

/// Writes this many bytes to the disk in a transaction, and rolls it back. A server may use the file meanwhile.
pub(super) fn write(path: &Path) -> Result<(), WriteError> {
    let refused = |source| WriteError::Refused { path: path.to_owned(), source };
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| WriteError::Refused { path: path.to_owned(), source: error.into() })?;
    match write_and_roll_back(&mut connection) {
        Ok(()) => Ok(()),
        Err(error) if is_full(&error) => {
            Err(WriteError::Full { path: path.to_owned(), source: error.into() })
        }
        Err(error) => Err(refused(error.into())),
    }
}

fn write_and_roll_back(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE chatpulse_check_trial (bytes BLOB)")?;
    transaction.execute("INSERT INTO chatpulse_check_trial VALUES (zeroblob(?1))", [BYTES])?;
    // Only this makes SQLite write before the end of the transaction.
    transaction.cache_flush()?;
    transaction.rollback()
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteFile;

    #[tokio::test]
    async fn a_trial_leaves_nothing_behind_beside_a_running_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatpulse.db");
        let server = SqliteFile::open(&path).await.unwrap();
        SqliteFile::try_write(&path).await.unwrap();
        let connection = Connection::open(&path).unwrap();
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'chatpulse_check%'";
        let left: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
        server.close().await;
    }

    #[test]
    fn a_full_database_is_said_to_be_full() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "max_page_count", 10).unwrap();
        let error = write_and_roll_back(&mut connection).unwrap_err();
        assert!(is_full(&error), "{error:?}");
    }

    #[test]
    fn a_file_that_may_only_be_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatpulse.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let error = write_and_roll_back(&mut connection).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly));
        assert!(!is_full(&error));
    }
}
