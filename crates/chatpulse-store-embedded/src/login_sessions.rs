//! Login sessions in SQLite.

use async_trait::async_trait;
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::time::Timestamp;
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const INSERT: &str = include_str!("../queries/login_sessions/insert.sql");
const SELECT: &str = include_str!("../queries/login_sessions/find.sql");
const DELETE: &str = include_str!("../queries/login_sessions/delete.sql");
const DELETE_ALL_OF: &str = include_str!("../queries/login_sessions/delete_all_of.sql");
const DELETE_EXPIRED: &str = include_str!("../queries/login_sessions/delete_expired.sql");

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
            };
            query::execute(connection, INSERT, params).map(|_| ())
        };
        self.file.call(operation::LOGIN_SESSIONS_BEGIN, work).await
    }

    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<StreamerId>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":hash": hash.0, ":now_ms": now.unix_ms };
            query::find(connection, SELECT, params, |row| {
                query::parsed(row, "user_id", "login_sessions.user_id")
            })
        };
        self.file.call(operation::LOGIN_SESSIONS_FIND, work).await
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

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":now_ms": now.unix_ms };
            query::execute(connection, DELETE_EXPIRED, params)
        };
        let deleted = self.file.call(operation::LOGIN_SESSIONS_DELETE_EXPIRED, work).await?;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }
}

/// Ends every login of a streamer.
pub(crate) fn end_all(connection: &Connection, streamer: StreamerId) -> Result<(), Failure> {
    let params = named_params! { ":user_id": streamer.to_string() };
    query::execute(connection, DELETE_ALL_OF, params).map(|_| ())
}
