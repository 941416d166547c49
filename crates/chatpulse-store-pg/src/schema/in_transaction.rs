//! What refinery needs of a connection, within a transaction that the caller begins and commits. Its own adapter names
//! statements and begins transactions itself.

use refinery::Migration;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::{Client, Row};

/// A connection with an open transaction.
pub(super) struct InTransaction<'a>(pub(super) &'a Client);

/// Why the history of migrations could not be read, or a migration failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrationFailure {
    #[error("PostgreSQL refused")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("refinery_schema_history holds a malformed {0}")]
    Malformed(&'static str),
}

impl AsyncTransaction for InTransaction<'_> {
    type Error = MigrationFailure;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        let mut count = 0;
        for query in queries {
            self.0.batch_execute(query).await?;
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for InTransaction<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Self::Error> {
        self.0.query_typed(query, &[]).await?.iter().map(applied).collect()
    }
}

impl AsyncMigrate for InTransaction<'_> {}

/// Reads a row of refinery's history: version, name, `applied_on`, checksum.
fn applied(row: &Row) -> Result<Migration, MigrationFailure> {
    let (applied_on, checksum): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let applied_on = OffsetDateTime::parse(&applied_on, &Rfc3339);
    let applied_on = applied_on.map_err(|_| MigrationFailure::Malformed("time"))?;
    let checksum = checksum.parse().map_err(|_| MigrationFailure::Malformed("checksum"))?;
    Ok(Migration::applied(row.try_get(0)?, row.try_get(1)?, applied_on, checksum))
}
