//! What is asked of PostgreSQL: its SQL, a name for metrics, words for errors, and how rows become values.

use chatpulse_domain::ports::error::BoxError;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::error::Failure;
use crate::{app_token, login_sessions, pool, settings, streamers, subscriptions, tokens};

/// One kind of call.
#[derive(Debug)]
pub(crate) struct Query {
    /// The value of the `query` label.
    pub(crate) name: &'static str,
    /// What it does, as a verb phrase: "could not …".
    pub(crate) does: &'static str,
    /// One statement, so that it happens whole or not at all.
    pub(crate) sql: &'static str,
    /// Whether to ask again on a new connection when one died under it.
    pub(crate) repeats: Repeats,
}

/// May a statement be sent twice?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// It only reads.
    Freely,
    /// It writes; when the connection dies nobody knows whether it did.
    Never,
}

/// What a statement is given, `$1` first.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Every value of the `query` label of `db_query_duration_seconds` and `db_errors_total`, so that telemetry can
/// start them at zero. The same as those of the SQLite store.
pub const QUERIES: &[&str] = &[
    app_token::FIND.name,
    app_token::INSERT.name,
    app_token::REPLACE.name,
    pool::HEALTH.name,
    login_sessions::BEGIN.name,
    login_sessions::END.name,
    login_sessions::END_ALL.name,
    login_sessions::FIND.name,
    login_sessions::SWEEP.name,
    settings::FIND.name,
    settings::SAVE.name,
    settings::SET_STAGE.name,
    settings::SEEDS.name,
    streamers::FIND.name,
    streamers::FIND_BOT_GRANT.name,
    streamers::FIND_BY_OVERLAY.name,
    streamers::FIND_BY_TWITCH_ID.name,
    streamers::FIRST.name,
    streamers::NOTE_BOT_GRANT.name,
    streamers::ROTATE_OVERLAY.name,
    streamers::DELETE.name,
    streamers::SIGN_IN.name,
    subscriptions::ALL.name,
    subscriptions::CONDUIT.name,
    subscriptions::DELETE.name,
    subscriptions::FIND.name,
    subscriptions::PUT.name,
    subscriptions::INSERT_CONDUIT.name,
    subscriptions::REPLACE_CONDUIT.name,
    tokens::ALL.name,
    tokens::END_GRANT.name,
    tokens::FORGET.name,
    tokens::FORGET_BOT.name,
    tokens::RENEW.name,
    tokens::RENEW_BOT.name,
    tokens::UNCHECKED_SINCE.name,
];

/// A column's value. `place` is `table.column`.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, place: &'static str) -> Result<T, Failure> {
    let (_, name) = place.split_once('.').unwrap_or(("", place));
    row.try_get(name).map_err(Failure::corrupt(place))
}

/// A text column as the domain's type.
pub(crate) fn parsed<T>(row: &Row, place: &'static str) -> Result<T, Failure>
where
    T: std::str::FromStr<Err: Into<BoxError>>,
{
    let text: &str = column(row, place)?;
    text.parse().map_err(Failure::corrupt(place))
}
