//! Login sessions in SQLite.

use async_trait::async_trait;
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::time::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const INSERT: &str = include_str!("../queries/login_sessions/insert.sql");
const SELECT: &str = include_str!("../queries/login_sessions/find.sql");
const SELECT_ALL_OF: &str = include_str!("../queries/login_sessions/all_of.sql");
const SELECT_STREAMERS: &str = include_str!("../queries/login_sessions/streamers.sql");
const DELETE: &str = include_str!("../queries/login_sessions/delete.sql");
const DELETE_ALL_OF: &str = include_str!("../queries/login_sessions/delete_all_of.sql");
const DELETE_EXPIRED: &str = include_str!("../queries/login_sessions/delete_expired.sql");

const INSERT_STATE: &str = include_str!("../queries/spent_states/spend.sql");
const SELECT_STATE: &str = include_str!("../queries/spent_states/find.sql");
const DELETE_EXPIRED_STATES: &str = include_str!("../queries/spent_states/delete_expired.sql");

/// Login sessions.
#[derive(Clone)]
pub struct SqliteLoginSessions {
    file: SqliteFile,
}

impl SqliteLoginSessions {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl LoginSessions for SqliteLoginSessions {
    async fn begin(&self, session: &LoginSession) -> Result<(), StoreError> {
        let session = session.clone();
        let work = move |connection: &mut Connection| {
            let params = named_params! {
                ":hash": session.hash.0,
                ":user_id": session.streamer.to_string(),
                ":expires_at_ms": session.expires_at.unix_ms,
                ":started_at_ms": session.started_at.map(|at| at.unix_ms),
                ":browser": session.browser,
            };
            query::execute(connection, INSERT, params).map(|_| ())
        };
        self.file.call(operation::LOGIN_SESSIONS_BEGIN, work).await
    }

    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<LoginSession>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":hash": hash.0, ":now_ms": now.unix_ms };
            query::find(connection, SELECT, params, session)
        };
        self.file.call(operation::LOGIN_SESSIONS_FIND, work).await
    }

    async fn all_of(&self, streamer: StreamerId, now: Timestamp) -> Result<Vec<LoginSession>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":user_id": streamer.to_string(), ":now_ms": now.unix_ms };
            query::all(connection, SELECT_ALL_OF, params, session)
        };
        self.file.call(operation::LOGIN_SESSIONS_ALL_OF, work).await
    }

    async fn streamers(&self, now: Timestamp) -> Result<Vec<StreamerId>, StoreError> {
        let work = move |connection: &mut Connection| {
            query::all(connection, SELECT_STREAMERS, named_params! { ":now_ms": now.unix_ms }, streamer)
        };
        self.file.call(operation::LOGIN_SESSIONS_STREAMERS, work).await
    }

    async fn end(&self, hash: LoginHash) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| {
            query::execute(connection, DELETE, named_params! { ":hash": hash.0 }).map(|_| ())
        };
        self.file.call(operation::LOGIN_SESSIONS_END, work).await
    }

    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError> {
        self.file
            .call(operation::LOGIN_SESSIONS_END_ALL, move |connection: &mut Connection| {
                end_all(connection, streamer)
            })
            .await
    }

    async fn spend_state(&self, state: LoginHash, expires_at: Timestamp) -> Result<bool, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":hash": state.0, ":expires_at_ms": expires_at.unix_ms };
            query::execute(connection, INSERT_STATE, params).map(|inserted| inserted > 0)
        };
        self.file.call(operation::LOGIN_SESSIONS_SPEND_STATE, work).await
    }

    async fn is_spent(&self, state: LoginHash, now: Timestamp) -> Result<bool, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":hash": state.0, ":now_ms": now.unix_ms };
            query::find(connection, SELECT_STATE, params, |_| Ok(())).map(|found| found.is_some())
        };
        self.file.call(operation::LOGIN_SESSIONS_FIND_SPENT_STATE, work).await
    }

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let params = named_params! { ":now_ms": now.unix_ms };
            query::execute(&transaction, DELETE_EXPIRED_STATES, params)?;
            let deleted = query::execute(&transaction, DELETE_EXPIRED, params)?;
            transaction.commit()?;
            Ok(deleted)
        };
        let deleted = self.file.call(operation::LOGIN_SESSIONS_DELETE_EXPIRED, work).await?;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }
}

fn streamer(row: &Row<'_>) -> Result<StreamerId, Failure> {
    query::parsed(row, "user_id", "login_sessions.user_id")
}

fn session(row: &Row<'_>) -> Result<LoginSession, Failure> {
    let started_at: Option<_> = row.get("started_at_ms")?;
    Ok(LoginSession {
        hash: LoginHash(row.get("hash")?),
        streamer: streamer(row)?,
        expires_at: Timestamp::from_unix_ms(row.get("expires_at_ms")?),
        started_at: started_at.map(Timestamp::from_unix_ms),
        browser: row.get("browser")?,
    })
}

/// Ends every login of a streamer.
pub(crate) fn end_all(connection: &Connection, streamer: StreamerId) -> Result<(), Failure> {
    let params = named_params! { ":user_id": streamer.to_string() };
    query::execute(connection, DELETE_ALL_OF, params).map(|_| ())
}
