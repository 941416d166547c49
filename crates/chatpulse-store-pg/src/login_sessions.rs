//! Login sessions in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::time::Timestamp;

use crate::operation;
use crate::pool::PgPool;
use crate::query::{Instant, Query, column};

const BEGIN: Query =
    Query::writing(operation::LOGIN_SESSIONS_BEGIN, include_str!("../queries/login_sessions/insert.sql"));
const FIND: Query =
    Query::reading(operation::LOGIN_SESSIONS_FIND, include_str!("../queries/login_sessions/find.sql"));
const END: Query =
    Query::writing(operation::LOGIN_SESSIONS_END, include_str!("../queries/login_sessions/delete.sql"));
const END_ALL: Query = Query::writing(
    operation::LOGIN_SESSIONS_END_ALL,
    include_str!("../queries/login_sessions/delete_all_of.sql"),
);
const DELETE_EXPIRED: Query = Query::writing(
    operation::LOGIN_SESSIONS_DELETE_EXPIRED,
    include_str!("../queries/login_sessions/delete_expired.sql"),
);

/// Login sessions.
#[derive(Clone)]
pub struct PgLoginSessions {
    pool: PgPool,
}

impl PgLoginSessions {
    /// Uses an open pool.
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

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.pool.execute(&DELETE_EXPIRED, &[&Instant(now)]).await
    }
}
