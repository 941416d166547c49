//! Errors of the SQLite file: when it is opened, and of its queries.

use std::path::PathBuf;

use chatpulse_domain::ports::error::{BoxError, StoreError};
use rusqlite::ErrorCode;

/// Why a file was not opened. Each message is one line and says what to do. The file is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file, its lock or its folder cannot be created or written.
    #[error(
        "cannot write {}: give the user that runs ChatPulse write permission, or choose another path",
        path.display()
    )]
    NotWritable {
        /// The file or folder that cannot be written.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: BoxError,
    },
    /// Another process uses the file.
    #[error("{} is in use by another process: stop that one first, or choose another file", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// The file is not an SQLite database, or that of another program.
    #[error(
        "{} is not a database of ChatPulse, and is unchanged: move it away, or choose another file",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("{} is damaged, and is unchanged: replace it by a backup, or move it away", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The damage that SQLite found.
        #[source]
        source: BoxError,
    },
    /// A later version of ChatPulse migrated the database.
    #[error(
        "{} was made by a newer ChatPulse (schema {found}, this version knows {known}): run that version or a later one",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// The file does not exist, and a check does not create it.
    #[error("{} does not exist yet: the server creates it at its first start", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// A migration failed. The schema stays at the version that it had.
    #[error("cannot bring the schema of {} up to date", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// Any other failure.
    #[error("cannot open {}", path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl OpenError {
    /// For `map_err`: classifies an error of SQLite.
    pub(crate) fn from_sqlite(path: &std::path::Path) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| {
            let path = path.to_owned();
            match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse { path },
                Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source: error.into() },
                Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                    Self::NotWritable { path, source: error.into() }
                }
                _ => Self::Failed { path, source: error.into() },
            }
        }
    }
}

/// Why a trial to write failed. The file is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is full, or the file may not grow.
    #[error("{} cannot grow: its disk or its quota is full", path.display())]
    Full {
        /// The database.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        source: BoxError,
    },
    /// Anything else.
    #[error("{} cannot be written", path.display())]
    Refused {
        /// The database.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

/// Why a query failed. [`SqliteFile`](crate::SqliteFile) turns it into a [`StoreError`] with the name of the operation.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite reported an error.
    Sqlite(rusqlite::Error),
    /// A row has a value that ChatPulse never writes.
    Corrupt { place: &'static str, source: BoxError },
    /// There is no answer: the deadline passed, the file is closed, or the query panicked.
    Unanswered(&'static str),
}

impl Failure {
    /// For `map_err`: names the place and keeps the cause.
    pub(crate) fn corrupt<E: Into<BoxError>>(place: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { place, source: source.into() }
    }

    /// The store error for the operation that failed.
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        match self {
            Self::Corrupt { place, source } => StoreError::Corrupt { place, source },
            Self::Unanswered(why) => StoreError::unavailable(operation)(why),
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreError::corrupt("the SQLite file")(error)
                }
                _ => StoreError::unavailable(operation)(error),
            },
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}
