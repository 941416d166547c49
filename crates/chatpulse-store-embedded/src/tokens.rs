//! Users' tokens in SQLite. Logging in and agreeing to be the bot write them.

use async_trait::async_trait;
use chatpulse_domain::ids::{StreamerId, TwitchUserId};
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner, TokenRepository};
use chatpulse_domain::time::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::login_sessions;
use crate::operation;
use crate::query;

const SELECT_ALL: &str = include_str!("../queries/tokens/all.sql");
const SELECT_OF_USER: &str = include_str!("../queries/tokens/of_user.sql");
const SELECT_UNCHECKED: &str = include_str!("../queries/tokens/unchecked_since.sql");
const SELECT_OWNED: &str = include_str!("../queries/tokens/find_owned.sql");
const UPDATE: &str = include_str!("../queries/tokens/renew.sql");
const UPDATE_DELETE: &str = include_str!("../queries/tokens/forget.sql");
const UPDATE_BOT: &str = include_str!("../queries/tokens/renew_bot.sql");
const DELETE_BOT: &str = include_str!("../queries/tokens/forget_bot.sql");
const DELETE_BOT_GRANT: &str = include_str!("../queries/bot_grants/delete.sql");
const DELETE_BOT_GRANT_OF_LOGIN: &str = include_str!("../queries/bot_grants/delete_with_login.sql");

/// Users' tokens.
#[derive(Clone)]
pub struct SqliteTokens {
    file: SqliteFile,
}

impl SqliteTokens {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl TokenRepository for SqliteTokens {
    async fn all(&self) -> Result<Vec<StoredTokens>, StoreError> {
        let work = |connection: &mut Connection| query::all(connection, SELECT_ALL, [], stored_tokens);
        self.file.call(operation::TOKENS_ALL, work).await
    }

    async fn of_user(&self, user: &TwitchUserId) -> Result<Vec<StoredTokens>, StoreError> {
        let user = user.clone();
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":twitch_id": user.as_str() };
            query::all(connection, SELECT_OF_USER, params, stored_tokens)
        };
        self.file.call(operation::TOKENS_OF_USER, work).await
    }

    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<StoredTokens>, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":then_ms": then.unix_ms, ":max": max };
            query::all(connection, SELECT_UNCHECKED, params, stored_tokens)
        };
        self.file.call(operation::TOKENS_UNCHECKED_SINCE, work).await
    }

    async fn renew(&self, old: &StoredTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError> {
        let (old, new) = (old.clone(), new.clone());
        let query = match old.owner {
            TokenOwner::Streamer(_) => operation::TOKENS_RENEW,
            TokenOwner::Bot => operation::TOKENS_RENEW_BOT,
        };
        self.file.call(query, move |connection: &mut Connection| renew(connection, &old, &new, at)).await
    }

    async fn delete(&self, old: &StoredTokens) -> Result<bool, StoreError> {
        let old = old.clone();
        let TokenOwner::Streamer(streamer) = old.owner else {
            let work = move |connection: &mut Connection| {
                let params = named_params! { ":bot": old.user.as_str(), ":sealed_tokens": old.sealed.0 };
                query::execute(connection, DELETE_BOT, params).map(|deleted| deleted > 0)
            };
            return self.file.call(operation::TOKENS_DELETE_BOT, work).await;
        };
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_deleted = delete(&transaction, streamer, &old)?;
            transaction.commit()?;
            Ok(is_deleted)
        };
        self.file.call(operation::TOKENS_DELETE, work).await
    }

    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError> {
        let user = user.clone();
        self.file
            .call(operation::TOKENS_END_GRANT, move |connection: &mut Connection| {
                end_grant(connection, &user, at)
            })
            .await
    }
}

fn end_grant(connection: &mut Connection, user: &TwitchUserId, at: Timestamp) -> Result<bool, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let params = named_params! { ":twitch_id": user.as_str(), ":at_ms": at.unix_ms };
    let owned = query::find(&transaction, SELECT_OWNED, params, stored_tokens)?;
    let is_deleted = match owned {
        Some(owned @ StoredTokens { owner: TokenOwner::Streamer(streamer), .. }) => {
            delete(&transaction, streamer, &owned)?
        }
        _ => false,
    };
    let params = named_params! { ":bot": user.as_str(), ":at_ms": at.unix_ms };
    let was_bot = query::execute(&transaction, DELETE_BOT_GRANT, params)? > 0;
    transaction.commit()?;
    Ok(was_bot || is_deleted)
}

fn renew(
    connection: &Connection,
    old: &StoredTokens,
    new: &SealedTokens,
    at: Timestamp,
) -> Result<bool, Failure> {
    let (old_sealed, new, at_ms) = (&old.sealed.0, &new.0, at.unix_ms);
    let changed = match old.owner {
        TokenOwner::Streamer(id) => {
            let params = named_params! {
                ":id": id.to_string(), ":old": old_sealed, ":new": new, ":at_ms": at_ms,
            };
            query::execute(connection, UPDATE, params)?
        }
        TokenOwner::Bot => {
            let params = named_params! {
                ":bot": old.user.as_str(), ":old": old_sealed, ":new": new, ":at_ms": at_ms,
            };
            query::execute(connection, UPDATE_BOT, params)?
        }
    };
    Ok(changed > 0)
}

/// Deletes the tokens if they are still `old`, and ends the logins and the consent that depend on them.
fn delete(connection: &Connection, streamer: StreamerId, old: &StoredTokens) -> Result<bool, Failure> {
    let params = named_params! { ":id": streamer.to_string(), ":sealed_tokens": old.sealed.0 };
    let is_deleted = query::execute(connection, UPDATE_DELETE, params)? > 0;
    if is_deleted {
        login_sessions::end_all(connection, streamer)?;
        let params = named_params! { ":bot": old.user.as_str() };
        query::execute(connection, DELETE_BOT_GRANT_OF_LOGIN, params)?;
    }
    Ok(is_deleted)
}

fn stored_tokens(row: &Row<'_>) -> Result<StoredTokens, Failure> {
    let is_bots = row.get::<_, Option<String>>("id")?.is_none();
    Ok(StoredTokens {
        owner: if is_bots {
            TokenOwner::Bot
        } else {
            TokenOwner::Streamer(query::parsed(row, "id", "users.id")?)
        },
        user: query::parsed(row, "twitch_id", "users.twitch_id")?,
        sealed: SealedTokens(row.get("sealed_tokens")?),
    })
}
