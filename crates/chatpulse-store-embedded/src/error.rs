//! How the file fails: when it is opened, and when it is asked.

use std::path::PathBuf;

use chatpulse_domain::ports::error::{BoxError, StoreError};
use rusqlite::ErrorCode;

/// Why a file was not opened. Each says in one line what to do about it; nothing that was there was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file, its lock or its folder cannot be made or written.
    #[error(
        "cannot write {}: let the user that runs ChatPulse write there, or choose another place",
        path.display()
    )]
    NotWritable {
        /// What cannot be written.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: BoxError,
    },
    /// Another process has it.
    #[error("{} is in use by another process: stop that one first, or choose another file", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// No SQLite database, or somebody else's.
    #[error(
        "{} is not a database of ChatPulse, and was left as it is: move it away, or choose another file",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Ours once, but no longer whole.
    #[error("{} is damaged, and was left as it is: put a backup in its place, or move it away", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite found.
        #[source]
        source: BoxError,
    },
    /// Made by a later version.
    #[error(
        "{} was made by a newer ChatPulse (schema {found}, this one knows {known}): run that version or a later one",
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
    /// There is none, and only looking makes none.
    #[error("{} does not exist yet: the server makes it at its first start", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The schema could not be brought up to date; it stays at the version it had.
    #[error("cannot bring the schema of {} up to date", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
    /// Anything else.
    #[error("cannot open {}", path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
}

impl OpenError {
    /// For `map_err`: which of these SQLite's error is.
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

/// Why a call to an open file failed. The handle makes a [`StoreError`] of it, with the call's words.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite refused or could not.
    Sqlite(rusqlite::Error),
    /// A row holds what we never wrote.
    Corrupt { place: &'static str, source: BoxError },
    /// No answer: too late, closed, or the call panicked.
    Unanswered(&'static str),
}

impl Failure {
    /// For `map_err`: names the place and keeps the cause.
    pub(crate) fn corrupt<E: Into<BoxError>>(place: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { place, source: source.into() }
    }

    /// With the words of the call that failed.
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
