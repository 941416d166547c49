//! Users' tokens in PostgreSQL. They lie in the tables of the accounts and of the bots' consent; logging in and agreeing
//! write them.

use async_trait::async_trait;
use chatpulse_domain::ids::{StreamerId, TwitchUserId};
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{KeptTokens, TokenOwner, TokenRepository};
use chatpulse_domain::time::Timestamp;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::instant::Instant;
use crate::pool::PgPool;
use crate::query::{Query, Repeats, column, parsed};

pub(crate) const ALL: Query = Query {
    name: "tokens.all",
    does: "read all tokens from PostgreSQL",
    sql: include_str!("../queries/tokens/all.sql"),
    repeats: Repeats::Freely,
};
pub(crate) const UNCHECKED_SINCE: Query = Query {
    name: "tokens.unchecked_since",
    does: "find tokens to check in PostgreSQL",
    sql: include_str!("../queries/tokens/unchecked_since.sql"),
    repeats: Repeats::Freely,
};
pub(crate) const RENEW: Query = Query {
    name: "tokens.renew",
    does: "renew a user's tokens in PostgreSQL",
    sql: include_str!("../queries/tokens/renew.sql"),
    repeats: Repeats::Never,
};
pub(crate) const RENEW_BOT: Query = Query {
    name: "tokens.renew_bot",
    does: "renew the bot's tokens in PostgreSQL",
    sql: include_str!("../queries/tokens/renew_bot.sql"),
    repeats: Repeats::Never,
};
pub(crate) const FORGET: Query = Query {
    name: "tokens.forget",
    does: "forget a user's tokens in PostgreSQL",
    sql: include_str!("../queries/tokens/forget.sql"),
    repeats: Repeats::Never,
};
pub(crate) const FORGET_BOT: Query = Query {
    name: "tokens.forget_bot",
    does: "forget the bot's tokens in PostgreSQL",
    sql: include_str!("../queries/tokens/forget_bot.sql"),
    repeats: Repeats::Never,
};
pub(crate) const END_GRANT: Query = Query {
    name: "tokens.end_grant",
    does: "end a user's grant in PostgreSQL",
    sql: include_str!("../queries/tokens/end_grant.sql"),
    repeats: Repeats::Never,
};

/// What users gave.
#[derive(Clone)]
pub struct PgTokens {
    pool: PgPool,
}

impl PgTokens {
    /// On an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl TokenRepository for PgTokens {
    async fn all(&self) -> Result<Vec<KeptTokens>, StoreError> {
        self.pool.all(&ALL, &[], kept).await
    }

    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<KeptTokens>, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.pool.all(&UNCHECKED_SINCE, &[&Instant(then), &max], kept).await
    }

    async fn renew(&self, old: &KeptTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError> {
        let (bot, at) = (old.user.as_str(), Instant(at));
        let changed = match &old.owner {
            TokenOwner::Streamer(id) => {
                self.pool.execute(&RENEW, &[&id.0, &old.sealed.0, &new.0, &at]).await?
            }
            TokenOwner::Bot => self.pool.execute(&RENEW_BOT, &[&bot, &old.sealed.0, &new.0, &at]).await?,
        };
        Ok(changed > 0)
    }

    async fn forget(&self, old: &KeptTokens) -> Result<bool, StoreError> {
        let bot = old.user.as_str();
        let forgotten = match &old.owner {
            TokenOwner::Streamer(id) => self.pool.find(&FORGET, &[&id.0, &old.sealed.0], |_| Ok(())).await?,
            TokenOwner::Bot => self.pool.find(&FORGET_BOT, &[&bot, &old.sealed.0], |_| Ok(())).await?,
        };
        Ok(forgotten.is_some())
    }

    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError> {
        Ok(self.pool.find(&END_GRANT, &[&user.as_str(), &Instant(at)], |_| Ok(())).await?.is_some())
    }
}

fn kept(row: &Row) -> Result<KeptTokens, Failure> {
    let streamer: Option<_> = column(row, "users.id")?;
    Ok(KeptTokens {
        owner: streamer.map_or(TokenOwner::Bot, |id| TokenOwner::Streamer(StreamerId(id))),
        user: parsed(row, "users.twitch_id")?,
        sealed: SealedTokens(column(row, "users.sealed_tokens")?),
    })
}
