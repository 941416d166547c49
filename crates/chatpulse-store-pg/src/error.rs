//! How PostgreSQL fails: when it is opened, and when it is asked.

use chatpulse_domain::ports::error::{BoxError, StoreError};
use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

pub use opening::OpenError;
pub(crate) use opening::Place;

mod opening;

/// Why a call failed. The pool makes a [`StoreError`] of it, with the call's words.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused, or the way there broke.
    Postgres(tokio_postgres::Error),
    /// A row holds what we never wrote.
    Corrupt { place: &'static str, source: BoxError },
    /// No answer: too late, or closed.
    Unanswered(&'static str),
}

impl Failure {
    /// For `map_err`: names the place and keeps the cause.
    pub(crate) fn corrupt<E: Into<BoxError>>(place: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { place, source: source.into() }
    }

    /// The connection is gone, and with it the answer. Another one may have better luck.
    pub(crate) fn lost_its_connection(&self) -> bool {
        match self {
            Self::Postgres(error) => match error.code() {
                Some(code) => ends_the_connection(code),
                None => is_about_the_connection(error),
            },
            Self::Corrupt { .. } | Self::Unanswered(_) => false,
        }
    }

    /// The server refused one statement and is ready for the next.
    pub(crate) fn leaves_the_connection_usable(&self) -> bool {
        match self {
            Self::Postgres(error) => error
                .code()
                .is_some_and(|code| !ends_the_connection(code) && !is_about_prepared_statements(code)),
            Self::Corrupt { .. } => true,
            Self::Unanswered(_) => false,
        }
    }

    /// With the words of the call that failed.
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        match self {
            Self::Corrupt { place, source } => StoreError::Corrupt { place, source },
            Self::Unanswered(why) => StoreError::unavailable(operation)(why),
            Self::Postgres(error) => match Refusal::of(&error) {
                Some(refusal) if refusal.is_about_damage() => {
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
            PoolError::Timeout(TimeoutType::Wait) => Self::Unanswered("every connection is busy"),
            PoolError::Timeout(_) => Self::Unanswered("no connection could be opened in time"),
            PoolError::Closed => Self::Unanswered("the pool is closed"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Unanswered("the pool is set up wrongly")
            }
        }
    }
}

/// Classes 08 (connection exceptions) and 57P (shutdown, crash, starting up).
fn ends_the_connection(code: &SqlState) -> bool {
    code.code().starts_with("08") || code.code().starts_with("57P")
}

/// What was prepared is gone or fits no more; a new connection prepares it again.
fn is_about_prepared_statements(code: &SqlState) -> bool {
    [&SqlState::INVALID_SQL_STATEMENT_NAME, &SqlState::FEATURE_NOT_SUPPORTED].contains(&code)
}

/// Closed, or broken while reading or writing.
fn is_about_the_connection(error: &tokio_postgres::Error) -> bool {
    let broke = |error: &tokio_postgres::Error| {
        std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
    };
    error.is_closed() || broke(error)
}

/// What the server says, without the details: those may quote a row.
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

    /// Class XX: a page or an index is broken, or the server has a bug.
    fn is_about_damage(&self) -> bool {
        self.code.starts_with("XX")
    }
}
