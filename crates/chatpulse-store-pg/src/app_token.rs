//! The application's own token in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::error::StoreError;

use crate::operation;
use crate::pool::PgPool;
use crate::query::{Query, column};

const FIND: Query = Query::reading(operation::APP_TOKEN_FIND, include_str!("../queries/app_tokens/find.sql"));
const INSERT: Query =
    Query::writing(operation::APP_TOKEN_INSERT, include_str!("../queries/app_tokens/insert.sql"));
const REPLACE: Query =
    Query::writing(operation::APP_TOKEN_REPLACE, include_str!("../queries/app_tokens/replace.sql"));

/// The application's own token.
#[derive(Clone)]
pub struct PgAppToken {
    pool: PgPool,
}

impl PgAppToken {
    /// Uses an open pool.
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
