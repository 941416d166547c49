//! The application's own token in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::error::StoreError;

use crate::pool::PgPool;
use crate::query::{Query, Repeats, column};

pub(crate) const FIND: Query = Query {
    name: "app_token.find",
    does: "find the application's token in PostgreSQL",
    sql: include_str!("../queries/app_tokens/find.sql"),
    repeats: Repeats::Freely,
};
pub(crate) const INSERT: Query = Query {
    name: "app_token.insert",
    does: "keep the application's token in PostgreSQL",
    sql: include_str!("../queries/app_tokens/insert.sql"),
    repeats: Repeats::Never,
};
pub(crate) const REPLACE: Query = Query {
    name: "app_token.replace",
    does: "replace the application's token in PostgreSQL",
    sql: include_str!("../queries/app_tokens/replace.sql"),
    repeats: Repeats::Never,
};

/// What Twitch gave to the application.
#[derive(Clone)]
pub struct PgAppToken {
    pool: PgPool,
}

impl PgAppToken {
    /// On an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl AppTokenRepository for PgAppToken {
    async fn find(&self) -> Result<Option<SealedTokens>, StoreError> {
        self.pool.find(&FIND, &[], |row| Ok(SealedTokens(column(row, "app_tokens.sealed")?))).await
    }

    async fn replace(&self, old: Option<&SealedTokens>, new: &SealedTokens) -> Result<bool, StoreError> {
        let changed = match old {
            Some(old) => self.pool.execute(&REPLACE, &[&old.0, &new.0]).await?,
            None => self.pool.execute(&INSERT, &[&new.0]).await?,
        };
        Ok(changed > 0)
    }
}
