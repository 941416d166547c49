//! Login sessions in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::time::Timestamp;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Instant, Params, Query, column};

const BEGIN: Query =
    Query::writing(operation::LOGIN_SESSIONS_BEGIN, include_str!("../queries/login_sessions/insert.sql"));
const FIND: Query =
    Query::reading(operation::LOGIN_SESSIONS_FIND, include_str!("../queries/login_sessions/find.sql"));
const ALL_OF: Query =
    Query::reading(operation::LOGIN_SESSIONS_ALL_OF, include_str!("../queries/login_sessions/all_of.sql"));
const STREAMERS: Query = Query::reading(
    operation::LOGIN_SESSIONS_STREAMERS,
    include_str!("../queries/login_sessions/streamers.sql"),
);
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

const SPEND_STATE: Query =
    Query::writing(operation::LOGIN_SESSIONS_SPEND_STATE, include_str!("../queries/spent_states/spend.sql"));
const FIND_SPENT_STATE: Query = Query::reading(
    operation::LOGIN_SESSIONS_FIND_SPENT_STATE,
    include_str!("../queries/spent_states/find.sql"),
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
        let started_at = session.started_at.map(Instant);
        let params: Params<'_> = &[&hash, &session.streamer.0, &expires_at, &started_at, &session.browser];
        self.pool.execute(&BEGIN, params).await.map(|_| ())
    }

    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<LoginSession>, StoreError> {
        self.pool.find(&FIND, &[&hash.0.as_slice(), &Instant(now)], session).await
    }

    async fn all_of(&self, streamer: StreamerId, now: Timestamp) -> Result<Vec<LoginSession>, StoreError> {
        self.pool.all(&ALL_OF, &[&streamer.0, &Instant(now)], session).await
    }

    async fn streamers(&self, now: Timestamp) -> Result<Vec<StreamerId>, StoreError> {
        self.pool.all(&STREAMERS, &[&Instant(now)], streamer).await
    }

    async fn end(&self, hash: LoginHash) -> Result<(), StoreError> {
        self.pool.execute(&END, &[&hash.0.as_slice()]).await.map(|_| ())
    }

    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError> {
        self.pool.execute(&END_ALL, &[&streamer.0]).await.map(|_| ())
    }

    async fn spend_state(&self, state: LoginHash, expires_at: Timestamp) -> Result<bool, StoreError> {
        let params: Params<'_> = &[&state.0.as_slice(), &Instant(expires_at)];
        Ok(self.pool.execute(&SPEND_STATE, params).await? > 0)
    }

    async fn is_spent(&self, state: LoginHash, now: Timestamp) -> Result<bool, StoreError> {
        let params: Params<'_> = &[&state.0.as_slice(), &Instant(now)];
        Ok(self.pool.find(&FIND_SPENT_STATE, params, |_| Ok(())).await?.is_some())
    }

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.pool.execute(&DELETE_EXPIRED, &[&Instant(now)]).await
    }
}

fn streamer(row: &Row) -> Result<StreamerId, Failure> {
    column(row, "login_sessions.user_id").map(StreamerId)
}

fn session(row: &Row) -> Result<LoginSession, Failure> {
    let hash: &[u8] = column(row, "login_sessions.hash")?;
    let hash = hash.try_into().map_err(Failure::corrupt("login_sessions.hash"))?;
    let Instant(expires_at) = column(row, "login_sessions.expires_at")?;
    let started_at: Option<Instant> = column(row, "login_sessions.started_at")?;
    Ok(LoginSession {
        hash: LoginHash(hash),
        streamer: streamer(row)?,
        expires_at,
        started_at: started_at.map(|Instant(at)| at),
        browser: column(row, "login_sessions.browser")?,
    })
}
