//! Users' tokens in PostgreSQL: columns of the tables of accounts and of the bots' consent. Logging in and agreeing
//! to be the bot write them.

use async_trait::async_trait;
use chatpulse_domain::ids::{StreamerId, TwitchUserId};
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner, TokenRepository};
use chatpulse_domain::time::Timestamp;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Instant, Query, column, parsed};

const ALL: Query = Query::reading(operation::TOKENS_ALL, include_str!("../queries/tokens/all.sql"));
const OF_USER: Query =
    Query::reading(operation::TOKENS_OF_USER, include_str!("../queries/tokens/of_user.sql"));
const UNCHECKED_SINCE: Query =
    Query::reading(operation::TOKENS_UNCHECKED_SINCE, include_str!("../queries/tokens/unchecked_since.sql"));
const RENEW: Query = Query::writing(operation::TOKENS_RENEW, include_str!("../queries/tokens/renew.sql"));
const RENEW_BOT: Query =
    Query::writing(operation::TOKENS_RENEW_BOT, include_str!("../queries/tokens/renew_bot.sql"));
const DELETE: Query = Query::writing(operation::TOKENS_DELETE, include_str!("../queries/tokens/forget.sql"));
const DELETE_BOT: Query =
    Query::writing(operation::TOKENS_DELETE_BOT, include_str!("../queries/tokens/forget_bot.sql"));
const END_GRANT: Query =
    Query::writing(operation::TOKENS_END_GRANT, include_str!("../queries/tokens/end_grant.sql"));

/// Users' tokens.
#[derive(Clone)]
pub struct PgTokens {
    pool: PgPool,
}

impl PgTokens {
    /// Uses an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl TokenRepository for PgTokens {
    async fn all(&self) -> Result<Vec<StoredTokens>, StoreError> {
        self.pool.all(&ALL, &[], stored_tokens).await
    }

    async fn of_user(&self, user: &TwitchUserId) -> Result<Vec<StoredTokens>, StoreError> {
        self.pool.all(&OF_USER, &[&user.as_str()], stored_tokens).await
    }

    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<StoredTokens>, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.pool.all(&UNCHECKED_SINCE, &[&Instant(then), &max], stored_tokens).await
    }

    async fn renew(&self, old: &StoredTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError> {
        let (bot, at) = (old.user.as_str(), Instant(at));
        let changed = match &old.owner {
            TokenOwner::Streamer(id) => {
                self.pool.execute(&RENEW, &[&id.0, &old.sealed.0, &new.0, &at]).await?
            }
            TokenOwner::Bot => self.pool.execute(&RENEW_BOT, &[&bot, &old.sealed.0, &new.0, &at]).await?,
        };
        Ok(changed > 0)
    }

    async fn delete(&self, old: &StoredTokens) -> Result<bool, StoreError> {
        let bot = old.user.as_str();
        let deleted = match &old.owner {
            TokenOwner::Streamer(id) => self.pool.find(&DELETE, &[&id.0, &old.sealed.0], |_| Ok(())).await?,
            TokenOwner::Bot => self.pool.find(&DELETE_BOT, &[&bot, &old.sealed.0], |_| Ok(())).await?,
        };
        Ok(deleted.is_some())
    }

    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError> {
        Ok(self.pool.find(&END_GRANT, &[&user.as_str(), &Instant(at)], |_| Ok(())).await?.is_some())
    }
}

fn stored_tokens(row: &Row) -> Result<StoredTokens, Failure> {
    let streamer: Option<_> = column(row, "users.id")?;
    Ok(StoredTokens {
        owner: streamer.map_or(TokenOwner::Bot, |id| TokenOwner::Streamer(StreamerId(id))),
        user: parsed(row, "users.twitch_id")?,
        sealed: SealedTokens(column(row, "users.sealed_tokens")?),
    })
}
