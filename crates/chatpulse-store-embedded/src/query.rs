//! What is asked of the file: a name for metrics, words for errors, and how rows become values.

use chatpulse_domain::ports::error::BoxError;
use rusqlite::{Connection, Params, Row};

use crate::error::Failure;
use crate::{app_token, file, login_sessions, settings, streamers, subscriptions, tokens};

/// One kind of call to the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// The value of the `query` label.
    pub(crate) name: &'static str,
    /// What it does, as a verb phrase: "could not …".
    pub(crate) does: &'static str,
}

/// Every value of the `query` label of `db_query_duration_seconds` and `db_errors_total`, so that telemetry can
/// start them at zero.
pub const QUERIES: &[&str] = &[
    app_token::FIND.name,
    app_token::INSERT.name,
    app_token::REPLACE.name,
    file::HEALTH.name,
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

/// Runs a query that gives at most one row.
pub(crate) fn find<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    match rows.next()? {
        Some(row) => read(row).map(Some),
        None => Ok(None),
    }
}

/// Runs a query that gives any number of rows.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then(params, read)?;
    rows.collect()
}

/// Runs a statement that gives no rows; returns how many it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Failure> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// A text column as the domain's type. `place` is `table.column`.
pub(crate) fn parsed<T>(row: &Row<'_>, column: &str, place: &'static str) -> Result<T, Failure>
where
    T: std::str::FromStr<Err: Into<BoxError>>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(Failure::corrupt(place))
}
