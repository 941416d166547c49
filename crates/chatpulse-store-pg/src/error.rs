//! Why a query failed, and whether its connection can be used again.

use chatpulse_domain::ports::error::{BoxError, StoreError};
use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// Why a query failed. The pool turns it into a [`StoreError`] with the name of the operation.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused, or the connection broke.
    Postgres(tokio_postgres::Error),
    /// A row has a value that ChatPulse never writes.
    Corrupt { place: &'static str, source: BoxError },
    /// There is no answer: the deadline passed, or the pool is closed.
    Unanswered(&'static str),
}

impl Failure {
    /// For `map_err`: names the place and keeps the cause.
    pub(crate) fn corrupt<E: Into<BoxError>>(place: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { place, source: source.into() }
    }

    /// Whether the connection broke before the answer. Another connection may succeed.
    pub(crate) fn is_connection_lost(&self) -> bool {
        match self {
            Self::Postgres(error) => match error.code() {
                Some(code) => ends_connection(code),
                None => is_connection_error(error),
            },
            Self::Corrupt { .. } | Self::Unanswered(_) => false,
        }
    }

    /// Whether the server refused one statement and the connection can run the next.
    pub(crate) fn keeps_connection_usable(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code().is_some_and(|code| !ends_connection(code)),
            Self::Corrupt { .. } => true,
            Self::Unanswered(_) => false,
        }
    }

    /// The store error for the operation that failed.
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        match self {
            Self::Corrupt { place, source } => StoreError::Corrupt { place, source },
            Self::Unanswered(why) => StoreError::unavailable(operation)(why),
            Self::Postgres(error) => match Refusal::of(&error) {
                Some(refusal) if refusal.is_damage() => {
                    StoreError::corrupt("the PostgreSQL database")(refusal)
                }
                Some(refusal) => StoreError::unavailable(operation)(refusal),
                None => StoreError::unavailable(operation)(error),
            },
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Postgres(error),
            PoolError::Timeout(TimeoutType::Wait) => Self::Unanswered("all connections are busy"),
            PoolError::Timeout(_) => Self::Unanswered("no connection could be opened in time"),
            PoolError::Closed => Self::Unanswered("the pool is closed"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Unanswered("the pool is misconfigured")
            }
        }
    }
}

/// Classes 08 (connection exceptions) and 57P (shutdown, crash, starting up).
fn ends_connection(code: &SqlState) -> bool {
    code.code().starts_with("08") || code.code().starts_with("57P")
}

/// Whether the connection was closed, or broke while reading or writing.
fn is_connection_error(error: &tokio_postgres::Error) -> bool {
    let broke = |error: &tokio_postgres::Error| {
        std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
    };
    error.is_closed() || broke(error)
}

/// The server's message without its details, which may quote a row.
#[derive(Debug, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
struct Refusal {
    message: String,
    code: String,
}

impl Refusal {
    fn of(error: &tokio_postgres::Error) -> Option<Self> {
        let refusal = error.as_db_error()?;
        Some(Self { message: refusal.message().to_owned(), code: refusal.code().code().to_owned() })
    }

    /// Class XX: a page or an index is damaged, or the server has a bug.
    fn is_damage(&self) -> bool {
        self.code.starts_with("XX")
    }
}
