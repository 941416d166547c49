//! Tries what a server needs of the database, for a check: the right to write, room for it, and the right time.

use std::time::Duration;

use chatpulse_domain::time::Timestamp;
use deadpool_postgres::{ClientWrapper, Object};
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::PgPool;

/// Deadline of a trial.
const WITHIN: Duration = Duration::from_secs(10);

const CREATE: &str = include_str!("../../queries/schema/create_trial.sql");
const RIGHTS: &str = include_str!("../../queries/schema/missing_rights.sql");
const TRIAL: &str = include_str!("../../queries/schema/trial.sql");
const NOW: &str = include_str!("../../queries/schema/now.sql");

/// Why a server could not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The disk of the server is full.
    #[error("it takes no writes: {0}")]
    Full(String),
    /// The server is a standby, or its transactions are read-only.
    #[error("it takes no writes: {0}")]
    ReadOnly(String),
    /// This user may not write all tables.
    #[error("this user may not write everywhere: {0}")]
    MissingRights(String),
    /// Anything else.
    #[error("a trial to write failed: {0}")]
    Refused(String),
    /// It did not answer.
    #[error("a trial to write was not answered in time")]
    Timeout,
}

impl PgPool {
    /// Writes in a transaction and rolls it back, and looks for tables that this user may not write. Fails on a pool that
    /// was opened for reading.
    pub async fn try_write(&self) -> Result<(), WriteError> {
        timeout(WITHIN, self.write_and_roll_back()).await.unwrap_or(Err(WriteError::Timeout))
    }

    /// Creates a table and rolls that back, where migrations are missing.
    pub async fn try_migrate(&self) -> Result<(), WriteError> {
        let trial = async { self.roll_back(CREATE).await.map(drop) };
        timeout(WITHIN, trial).await.unwrap_or(Err(WriteError::Timeout))
    }

    /// Runs a statement in a transaction that is rolled back. Returns the connection, which is not of the pool any more:
    /// a failed transaction must not go back there.
    async fn roll_back(&self, statement: &str) -> Result<ClientWrapper, WriteError> {
        let client = Object::take(self.connections.get().await.map_err(|error| refused(&error))?);
        let trial = format!("BEGIN; {statement}; ROLLBACK");
        client.batch_execute(&trial).await.map_err(|error| classify(&error))?;
        Ok(client)
    }

    async fn write_and_roll_back(&self) -> Result<(), WriteError> {
        let client = self.roll_back(TRIAL).await?;
        let rows = client.simple_query(RIGHTS).await.map_err(|error| classify(&error))?;
        let tables: Vec<&str> = rows.iter().filter_map(first_column).collect();
        if tables.is_empty() { Ok(()) } else { Err(WriteError::MissingRights(tables.join(", "))) }
    }

    /// The time of the server.
    pub async fn server_time(&self) -> Option<Timestamp> {
        let asked = async {
            let client = Object::take(self.connections.get().await.ok()?);
            let rows = client.simple_query(NOW).await.ok()?;
            let unix_ms = rows.iter().find_map(first_column)?.parse().ok()?;
            Some(Timestamp::from_unix_ms(unix_ms))
        };
        timeout(WITHIN, asked).await.ok().flatten()
    }
}

fn first_column(message: &SimpleQueryMessage) -> Option<&str> {
    match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    }
}

fn classify(error: &tokio_postgres::Error) -> WriteError {
    match error.code() {
        Some(&SqlState::DISK_FULL) => WriteError::Full(words(error)),
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => WriteError::ReadOnly(words(error)),
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => WriteError::MissingRights(words(error)),
        _ => WriteError::Refused(words(error)),
    }
}

fn refused(error: &deadpool_postgres::PoolError) -> WriteError {
    WriteError::Refused(error.to_string())
}

/// What the server said, without the client's own words around it.
fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
