//! SQL statements with their operation, and the conversion of rows to values.

use chatpulse_domain::ports::error::BoxError;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::error::Failure;
use crate::operation::Operation;

/// One SQL statement.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) operation: Operation,
    /// One statement, so that it takes effect completely or not at all.
    pub(crate) sql: &'static str,
    /// Whether to send it again on another connection when its connection failed.
    pub(crate) is_repeatable: bool,
}

impl Query {
    /// A statement that only reads, so that it may be sent twice.
    pub(crate) const fn reading(operation: Operation, sql: &'static str) -> Self {
        Self { operation, sql, is_repeatable: true }
    }

    /// A statement that writes. When its connection fails it may or may not have written, so it is sent once.
    pub(crate) const fn writing(operation: Operation, sql: &'static str) -> Self {
        Self { operation, sql, is_repeatable: false }
    }
}

/// The parameters of a statement, `$1` first.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Reads a column. `place` is `table.column`.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, place: &'static str) -> Result<T, Failure> {
    let (_, name) = place.split_once('.').unwrap_or(("", place));
    row.try_get(name).map_err(Failure::corrupt(place))
}

/// Reads a text column and parses it into a type of the domain.
pub(crate) fn parsed<T>(row: &Row, place: &'static str) -> Result<T, Failure>
where
    T: std::str::FromStr<Err: Into<BoxError>>,
{
    let text: &str = column(row, place)?;
    text.parse().map_err(Failure::corrupt(place))
}
