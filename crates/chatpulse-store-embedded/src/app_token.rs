//! The application's own token in SQLite.

use async_trait::async_trait;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::error::StoreError;
use rusqlite::{Connection, named_params};

use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const SELECT: &str = include_str!("../queries/app_tokens/find.sql");
const INSERT_ONE: &str = include_str!("../queries/app_tokens/insert.sql");
const UPDATE: &str = include_str!("../queries/app_tokens/replace.sql");

/// The application's own token.
#[derive(Clone)]
pub struct SqliteAppToken {
    file: SqliteFile,
}

impl SqliteAppToken {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl AppTokenRepository for SqliteAppToken {
    async fn find(&self) -> Result<Option<SealedTokens>, StoreError> {
        let work = |connection: &mut Connection| {
            query::find(connection, SELECT, [], |row| Ok(SealedTokens(row.get("sealed")?)))
        };
        self.file.call(operation::APP_TOKEN_FIND, work).await
    }

    async fn replace(&self, old: Option<&SealedTokens>, new: &SealedTokens) -> Result<bool, StoreError> {
        let (old, new) = (old.cloned(), new.clone());
        let query = if old.is_some() { operation::APP_TOKEN_REPLACE } else { operation::APP_TOKEN_INSERT };
        let work = move |connection: &mut Connection| {
            let changed = match &old {
                Some(old) => {
                    query::execute(connection, UPDATE, named_params! { ":old": old.0, ":new": new.0 })?
                }
                None => query::execute(connection, INSERT_ONE, named_params! { ":new": new.0 })?,
            };
            Ok(changed > 0)
        };
        self.file.call(query, work).await
    }
}
