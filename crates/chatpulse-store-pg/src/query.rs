//! SQL statements with their operation, and the conversion of columns to values.

use bytes::BytesMut;
use chatpulse_domain::ports::error::BoxError;
use chatpulse_domain::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, Json, ToSql, Type, accepts, to_sql_checked};

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
pub(crate) type Params<'a> = &'a [&'a dyn Param];

/// A parameter that says its type, so that a statement needs no name and no preparation: behind a pooler in transaction
/// mode the next message may reach another connection.
pub(crate) trait Param: ToSql + Sync {
    /// Its type in PostgreSQL.
    fn sql_type(&self) -> Type;
}

/// A Rust type that always has the same type in PostgreSQL.
trait HasSqlType {
    const SQL_TYPE: Type;
}

impl<T: HasSqlType + ToSql + Sync> Param for T {
    fn sql_type(&self) -> Type {
        T::SQL_TYPE
    }
}

macro_rules! sql_types {
    ($($rust:ty => $sql:ident,)*) => {
        $(impl HasSqlType for $rust {
            const SQL_TYPE: Type = Type::$sql;
        })*
    };
}

sql_types! {
    bool => BOOL,
    i64 => INT8,
    &str => TEXT,
    String => TEXT,
    &[u8] => BYTEA,
    Vec<u8> => BYTEA,
    uuid::Uuid => UUID,
    Vec<uuid::Uuid> => UUID_ARRAY,
    Instant => TIMESTAMPTZ,
}

impl<T> HasSqlType for Json<T> {
    const SQL_TYPE: Type = Type::JSONB;
}

impl<T: HasSqlType> HasSqlType for Option<T> {
    const SQL_TYPE: Type = T::SQL_TYPE;
}

impl<T: HasSqlType> HasSqlType for &T {
    const SQL_TYPE: Type = T::SQL_TYPE;
}

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

/// 2000-01-01 UTC, where PostgreSQL counts from.
const EPOCH_UNIX_MS: i64 = 946_684_800_000;

/// A [`Timestamp`] as a query parameter or column: `timestamptz`, microseconds since 2000 on the wire, exact to the
/// millisecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Instant(pub(crate) Timestamp);

impl ToSql for Instant {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let since_epoch = self.0.unix_ms.checked_sub(EPOCH_UNIX_MS);
        let micros = since_epoch.and_then(|millis| millis.checked_mul(1_000));
        micros.ok_or("the time is out of range for PostgreSQL")?.to_sql(ty, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Instant {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let micros = i64::from_sql(ty, raw)?;
        let unix_ms = micros.div_euclid(1_000).saturating_add(EPOCH_UNIX_MS);
        Ok(Self(Timestamp::from_unix_ms(unix_ms)))
    }

    accepts!(TIMESTAMPTZ);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_round_trips_to_the_millisecond() {
        for unix_ms in [0, 1, -1, EPOCH_UNIX_MS - 1, EPOCH_UNIX_MS, 1_764_000_000_123] {
            let (sent, mut wire) = (Instant(Timestamp::from_unix_ms(unix_ms)), BytesMut::new());
            sent.to_sql(&Type::TIMESTAMPTZ, &mut wire).unwrap();
            assert_eq!(Instant::from_sql(&Type::TIMESTAMPTZ, &wire).unwrap(), sent);
        }
    }

    #[test]
    fn a_time_out_of_range_is_an_error() {
        let forever = Instant(Timestamp::from_unix_ms(i64::MAX));
        assert!(forever.to_sql(&Type::TIMESTAMPTZ, &mut BytesMut::new()).is_err());
    }
}
