//! Accounts in SQLite.

use std::time::SystemTime;

use async_trait::async_trait;
use chatpulse_domain::ids::{OverlayId, StreamerId, TwitchUserId};
use chatpulse_domain::login::{BotGrant, SealedTokens};
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation, StreamerRepository};
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use chatpulse_domain::time::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;
use crate::settings;

const UPSERT_USER: &str = include_str!("../queries/users/sign_in.sql");
const SELECT_BY_ID: &str = include_str!("../queries/users/find.sql");
const SELECT_BY_OVERLAY: &str = include_str!("../queries/users/find_by_overlay.sql");
const SELECT_BY_TWITCH_ID: &str = include_str!("../queries/users/find_by_twitch_id.sql");
const SELECT_FIRST: &str = include_str!("../queries/users/find_first.sql");
const SELECT_OVERLAY: &str = include_str!("../queries/users/overlay.sql");
const UPDATE_OVERLAY: &str = include_str!("../queries/users/rotate_overlay.sql");
const DELETE_USER: &str = include_str!("../queries/users/delete.sql");
const SELECT_LEAVING: &str = include_str!("../queries/users/leaving.sql");
const DELETE_BOT_GRANTS: &str = include_str!("../queries/bot_grants/delete_all_of.sql");
const UPSERT_BOT_GRANT: &str = include_str!("../queries/bot_grants/upsert.sql");
const SELECT_BOT_GRANT: &str = include_str!("../queries/bot_grants/find.sql");

/// Accounts and the bot's consent.
#[derive(Clone)]
pub struct SqliteStreamers {
    file: SqliteFile,
}

impl SqliteStreamers {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl StreamerRepository for SqliteStreamers {
    async fn sign_in(&self, profile: &TwitchProfile, tokens: &SealedTokens) -> Result<Streamer, StoreError> {
        let (profile, tokens) = (profile.clone(), tokens.clone());
        let work = move |connection: &mut Connection| sign_in(connection, &profile, &tokens);
        self.file.call(operation::STREAMERS_SIGN_IN, work).await
    }

    async fn find(&self, id: StreamerId) -> Result<Option<Streamer>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":id": id.to_string() };
            query::find(connection, SELECT_BY_ID, params, streamer)
        };
        self.file.call(operation::STREAMERS_FIND, work).await
    }

    async fn find_by_twitch_id(&self, twitch_id: &TwitchUserId) -> Result<Option<Streamer>, StoreError> {
        let twitch_id = twitch_id.clone();
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":twitch_id": twitch_id.as_str() };
            query::find(connection, SELECT_BY_TWITCH_ID, params, streamer)
        };
        self.file.call(operation::STREAMERS_FIND_BY_TWITCH_ID, work).await
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Streamer>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":overlay_uuid": overlay.to_string() };
            query::find(connection, SELECT_BY_OVERLAY, params, streamer)
        };
        self.file.call(operation::STREAMERS_FIND_BY_OVERLAY, work).await
    }

    async fn first(&self) -> Result<Option<Streamer>, StoreError> {
        let work = |connection: &mut Connection| query::find(connection, SELECT_FIRST, [], streamer);
        self.file.call(operation::STREAMERS_FIRST, work).await
    }

    async fn rotate_overlay(&self, id: StreamerId) -> Result<Option<Rotation>, StoreError> {
        self.file
            .call(operation::STREAMERS_ROTATE_OVERLAY, move |connection: &mut Connection| {
                rotate(connection, id)
            })
            .await
    }

    async fn delete(&self, id: StreamerId) -> Result<Option<DeletedAccount>, StoreError> {
        self.file
            .call(operation::STREAMERS_DELETE, move |connection: &mut Connection| delete(connection, id))
            .await
    }

    async fn record_bot_grant(
        &self,
        grant: &BotGrant,
        tokens: Option<&SealedTokens>,
    ) -> Result<(), StoreError> {
        let (grant, tokens) = (grant.clone(), tokens.cloned());
        let work = move |connection: &mut Connection| {
            let params = named_params! {
                ":bot": grant.bot.as_str(),
                ":display_name": grant.display_name,
                ":granted_at_ms": grant.granted_at.unix_ms,
                ":sealed_tokens": tokens.map(|sealed| sealed.0),
            };
            query::execute(connection, UPSERT_BOT_GRANT, params).map(|_| ())
        };
        self.file.call(operation::STREAMERS_RECORD_BOT_GRANT, work).await
    }

    async fn find_bot_grant(&self, bot: &TwitchUserId) -> Result<Option<BotGrant>, StoreError> {
        let bot = bot.clone();
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":bot": bot.as_str() };
            query::find(connection, SELECT_BOT_GRANT, params, |row| bot_grant(&bot, row))
        };
        self.file.call(operation::STREAMERS_FIND_BOT_GRANT, work).await
    }
}

fn rotate(connection: &mut Connection, id: StreamerId) -> Result<Option<Rotation>, Failure> {
    let (id, new) = (id.to_string(), OverlayId::random());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let old = query::find(&transaction, SELECT_OVERLAY, named_params! { ":id": id }, |row| {
        query::parsed(row, "overlay_uuid", "users.overlay_uuid")
    })?;
    let params = named_params! { ":id": id, ":overlay_uuid": new.to_string() };
    query::execute(&transaction, UPDATE_OVERLAY, params)?;
    transaction.commit()?;
    Ok(old.map(|old| Rotation { old, new }))
}

fn delete(connection: &mut Connection, id: StreamerId) -> Result<Option<DeletedAccount>, Failure> {
    let id = id.to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let leaving = query::find(&transaction, SELECT_LEAVING, named_params! { ":id": id }, |row| {
        let (login, bot): (Option<_>, Option<_>) = (row.get("sealed_tokens")?, row.get("bot_tokens")?);
        let tokens = login.into_iter().chain(bot).map(SealedTokens).collect();
        let overlay = query::parsed(row, "overlay_uuid", "users.overlay_uuid")?;
        let user: String = row.get("twitch_id")?;
        Ok((user, DeletedAccount { overlay, tokens }))
    })?;
    if let Some((user, _)) = &leaving {
        query::execute(&transaction, DELETE_USER, named_params! { ":id": id })?;
        query::execute(&transaction, DELETE_BOT_GRANTS, named_params! { ":bot": user })?;
    }
    transaction.commit()?;
    query::empty_log(connection)?;
    Ok(leaving.map(|(_, deleted)| deleted))
}

/// Writes account, tokens and settings in one transaction. The new ids are used only if the account is new.
fn sign_in(
    connection: &mut Connection,
    profile: &TwitchProfile,
    tokens: &SealedTokens,
) -> Result<Streamer, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let params = named_params! {
        ":id": StreamerId::random().to_string(),
        ":twitch_id": profile.id.as_str(),
        ":login": profile.login,
        ":display_name": profile.display_name,
        ":overlay_uuid": OverlayId::random().to_string(),
        ":sealed_tokens": tokens.0,
        ":agreed_at_ms": Timestamp::from(SystemTime::now()).unix_ms,
    };
    let signed_in = query::find(&transaction, UPSERT_USER, params, streamer)?;
    let signed_in = signed_in.ok_or(Failure::Unanswered("SQLite did not return the account"))?;
    settings::create(&transaction, signed_in.id, &OverlaySettings::default())?;
    transaction.commit()?;
    Ok(signed_in)
}

fn streamer(row: &Row<'_>) -> Result<Streamer, Failure> {
    Ok(Streamer {
        id: query::parsed(row, "id", "users.id")?,
        twitch_id: query::parsed(row, "twitch_id", "users.twitch_id")?,
        login: row.get("login")?,
        display_name: row.get("display_name")?,
        overlay: query::parsed(row, "overlay_uuid", "users.overlay_uuid")?,
    })
}

fn bot_grant(bot: &TwitchUserId, row: &Row<'_>) -> Result<BotGrant, Failure> {
    Ok(BotGrant {
        bot: bot.clone(),
        display_name: row.get("display_name")?,
        granted_at: Timestamp::from_unix_ms(row.get("granted_at_ms")?),
    })
}
