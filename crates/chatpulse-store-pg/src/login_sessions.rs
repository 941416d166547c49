//! Logins in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::time::Timestamp;

use crate::instant::Instant;
use crate::pool::PgPool;
use crate::query::{Query, Repeats, column};

pub(crate) const BEGIN: Query = Query {
    name: "login_sessions.begin",
    does: "begin a login in PostgreSQL",
    sql: include_str!("../queries/login_sessions/insert.sql"),
    repeats: Repeats::Never,
};
pub(crate) const FIND: Query = Query {
    name: "login_sessions.find",
    does: "find a login in PostgreSQL",
    sql: include_str!("../queries/login_sessions/find.sql"),
    repeats: Repeats::Freely,
};
pub(crate) const END: Query = Query {
    name: "login_sessions.end",
    does: "end a login in PostgreSQL",
    sql: include_str!("../queries/login_sessions/delete.sql"),
    repeats: Repeats::Never,
};
pub(crate) const END_ALL: Query = Query {
    name: "login_sessions.end_all",
    does: "end all of a streamer's logins in PostgreSQL",
    sql: include_str!("../queries/login_sessions/delete_all_of.sql"),
    repeats: Repeats::Never,
};
pub(crate) const SWEEP: Query = Query {
    name: "login_sessions.sweep",
    does: "sweep expired logins from PostgreSQL",
    sql: include_str!("../queries/login_sessions/delete_expired.sql"),
    repeats: Repeats::Never,
};

/// Who is logged in.
#[derive(Clone)]
pub struct PgLoginSessions {
    pool: PgPool,
}

impl PgLoginSessions {
    /// On an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl LoginSessions for PgLoginSessions {
    async fn begin(&self, session: &LoginSession) -> Result<(), StoreError> {
        let (hash, expires_at) = (session.hash.0.as_slice(), Instant(session.expires_at));
        self.pool.execute(&BEGIN, &[&hash, &session.streamer.0, &expires_at]).await.map(|_| ())
    }

    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<StreamerId>, StoreError> {
        let hash = hash.0.as_slice();
        let owner = |row: &_| column(row, "login_sessions.user_id").map(StreamerId);
        self.pool.find(&FIND, &[&hash, &Instant(now)], owner).await
    }

    async fn end(&self, hash: LoginHash) -> Result<(), StoreError> {
        self.pool.execute(&END, &[&hash.0.as_slice()]).await.map(|_| ())
    }

    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError> {
        self.pool.execute(&END_ALL, &[&streamer.0]).await.map(|_| ())
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.pool.execute(&SWEEP, &[&Instant(now)]).await
    }
}
