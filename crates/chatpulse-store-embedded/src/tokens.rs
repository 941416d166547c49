//! Users' tokens in SQLite. Logging in writes them, and agreeing to be the bot.

use async_trait::async_trait;
use chatpulse_domain::ids::{StreamerId, TwitchUserId};
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{KeptTokens, TokenOwner, TokenRepository};
use chatpulse_domain::time::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::login_sessions;
use crate::query::{self, Query};

pub(crate) const ALL: Query = Query { name: "tokens.all", does: "read all tokens from SQLite" };
pub(crate) const UNCHECKED_SINCE: Query =
    Query { name: "tokens.unchecked_since", does: "find tokens to check in SQLite" };
pub(crate) const RENEW: Query = Query { name: "tokens.renew", does: "renew a user's tokens in SQLite" };
pub(crate) const RENEW_BOT: Query =
    Query { name: "tokens.renew_bot", does: "renew the bot's tokens in SQLite" };
pub(crate) const FORGET_BOT: Query =
    Query { name: "tokens.forget_bot", does: "forget the bot's tokens in SQLite" };
pub(crate) const FORGET: Query = Query { name: "tokens.forget", does: "forget a user's tokens in SQLite" };
pub(crate) const END_GRANT: Query = Query { name: "tokens.end_grant", does: "end a user's grant in SQLite" };

const SELECT_ALL: &str = include_str!("../queries/tokens/all.sql");
const SELECT_UNCHECKED: &str = include_str!("../queries/tokens/unchecked_since.sql");
const SELECT_OWNED: &str = include_str!("../queries/tokens/find_owned.sql");
const UPDATE: &str = include_str!("../queries/tokens/renew.sql");
const DELETE: &str = include_str!("../queries/tokens/delete.sql");
const UPDATE_BOT: &str = include_str!("../queries/tokens/renew_bot.sql");
const DELETE_BOT: &str = include_str!("../queries/tokens/forget_bot.sql");
const DELETE_BOT_GRANT: &str = include_str!("../queries/bot_grants/delete.sql");
const DELETE_BOT_GRANT_OF_LOGIN: &str = include_str!("../queries/bot_grants/delete_with_login.sql");

/// What users gave.
#[derive(Clone)]
pub struct SqliteTokens {
    file: SqliteFile,
}

impl SqliteTokens {
    /// On an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl TokenRepository for SqliteTokens {
    async fn all(&self) -> Result<Vec<KeptTokens>, StoreError> {
        let work = |connection: &mut Connection| query::all(connection, SELECT_ALL, [], kept);
        self.file.call(ALL, work).await
    }

    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<KeptTokens>, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":then_ms": then.unix_ms, ":max": max };
            query::all(connection, SELECT_UNCHECKED, params, kept)
        };
        self.file.call(UNCHECKED_SINCE, work).await
    }

    async fn renew(&self, old: &KeptTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError> {
        let (old, new) = (old.clone(), new.clone());
        let query = match old.owner {
            TokenOwner::Streamer(_) => RENEW,
            TokenOwner::Bot => RENEW_BOT,
        };
        self.file.call(query, move |connection: &mut Connection| renew(connection, &old, &new, at)).await
    }

    async fn forget(&self, old: &KeptTokens) -> Result<bool, StoreError> {
        let old = old.clone();
        let TokenOwner::Streamer(streamer) = old.owner else {
            let work = move |connection: &mut Connection| {
                let params = named_params! { ":bot": old.user.as_str(), ":sealed": old.sealed.0 };
                query::execute(connection, DELETE_BOT, params).map(|forgotten| forgotten > 0)
            };
            return self.file.call(FORGET_BOT, work).await;
        };
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_forgotten = forget(&transaction, streamer, &old)?;
            transaction.commit()?;
            Ok(is_forgotten)
        };
        self.file.call(FORGET, work).await
    }

    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError> {
        let user = user.clone();
        self.file.call(END_GRANT, move |connection: &mut Connection| end_grant(connection, &user, at)).await
    }
}

fn end_grant(connection: &mut Connection, user: &TwitchUserId, at: Timestamp) -> Result<bool, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let params = named_params! { ":twitch_id": user.as_str(), ":at_ms": at.unix_ms };
    let owned = query::find(&transaction, SELECT_OWNED, params, kept)?;
    let is_forgotten = match owned {
        Some(owned @ KeptTokens { owner: TokenOwner::Streamer(streamer), .. }) => {
            forget(&transaction, streamer, &owned)?
        }
        _ => false,
    };
    let params = named_params! { ":bot": user.as_str(), ":at_ms": at.unix_ms };
    let was_bot = query::execute(&transaction, DELETE_BOT_GRANT, params)? > 0;
    transaction.commit()?;
    Ok(was_bot || is_forgotten)
}

fn renew(
    connection: &Connection,
    old: &KeptTokens,
    new: &SealedTokens,
    at: Timestamp,
) -> Result<bool, Failure> {
    let (old_sealed, new, at_ms) = (&old.sealed.0, &new.0, at.unix_ms);
    let changed = match old.owner {
        TokenOwner::Streamer(id) => {
            let params = named_params! {
                ":streamer_id": id.to_string(), ":old": old_sealed, ":new": new, ":at_ms": at_ms,
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

/// The tokens, if they are still these, and what rests on them.
fn forget(connection: &Connection, streamer: StreamerId, old: &KeptTokens) -> Result<bool, Failure> {
    let params = named_params! { ":streamer_id": streamer.to_string(), ":sealed": old.sealed.0 };
    let is_forgotten = query::execute(connection, DELETE, params)? > 0;
    if is_forgotten {
        login_sessions::end_all(connection, streamer)?;
        let params = named_params! { ":bot": old.user.as_str() };
        query::execute(connection, DELETE_BOT_GRANT_OF_LOGIN, params)?;
    }
    Ok(is_forgotten)
}

fn kept(row: &Row<'_>) -> Result<KeptTokens, Failure> {
    let is_bots = row.get::<_, Option<String>>("id")?.is_none();
    Ok(KeptTokens {
        owner: if is_bots {
            TokenOwner::Bot
        } else {
            TokenOwner::Streamer(query::parsed(row, "id", "streamers.id")?)
        },
        user: query::parsed(row, "twitch_id", "streamers.twitch_id")?,
        sealed: SealedTokens(row.get("sealed")?),
    })
}
