//! Accounts in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::ids::{OverlayId, StreamerId, TwitchUserId};
use chatpulse_domain::login::{BotGrant, SealedTokens};
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation, StreamerRepository};
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Instant, Params, Query, column, parsed};

const SIGN_IN: Query =
    Query::writing(operation::STREAMERS_SIGN_IN, include_str!("../queries/users/sign_in.sql"));
const FIND: Query = Query::reading(operation::STREAMERS_FIND, include_str!("../queries/users/find.sql"));
const FIND_BY_OVERLAY: Query = Query::reading(
    operation::STREAMERS_FIND_BY_OVERLAY,
    include_str!("../queries/users/find_by_overlay.sql"),
);
const FIND_BY_TWITCH_ID: Query = Query::reading(
    operation::STREAMERS_FIND_BY_TWITCH_ID,
    include_str!("../queries/users/find_by_twitch_id.sql"),
);
const FIRST: Query =
    Query::reading(operation::STREAMERS_FIRST, include_str!("../queries/users/find_first.sql"));
const ROTATE_OVERLAY: Query =
    Query::writing(operation::STREAMERS_ROTATE_OVERLAY, include_str!("../queries/users/rotate_overlay.sql"));
const DELETE: Query =
    Query::writing(operation::STREAMERS_DELETE, include_str!("../queries/users/delete.sql"));
const RECORD_BOT_GRANT: Query =
    Query::writing(operation::STREAMERS_RECORD_BOT_GRANT, include_str!("../queries/bot_grants/upsert.sql"));
const FIND_BOT_GRANT: Query =
    Query::reading(operation::STREAMERS_FIND_BOT_GRANT, include_str!("../queries/bot_grants/find.sql"));

/// Accounts and the bot's consent.
#[derive(Clone)]
pub struct PgStreamers {
    pool: PgPool,
}

impl PgStreamers {
    /// Uses an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl StreamerRepository for PgStreamers {
    async fn sign_in(&self, profile: &TwitchProfile, tokens: &SealedTokens) -> Result<Streamer, StoreError> {
        // The new ids are used only if the account is new.
        let (id, overlay) = (StreamerId::random(), OverlayId::random());
        let settings = Json(OverlaySettings::default());
        let twitch_id = profile.id.as_str();
        let params: Params<'_> =
            &[&id.0, &twitch_id, &profile.login, &profile.display_name, &overlay.0, &tokens.0, &settings];
        let signed_in = self.pool.find(&SIGN_IN, params, streamer).await?;
        let not_returned = StoreError::unavailable(SIGN_IN.operation.does);
        signed_in.ok_or_else(|| not_returned("PostgreSQL did not return the account"))
    }

    async fn find(&self, id: StreamerId) -> Result<Option<Streamer>, StoreError> {
        self.pool.find(&FIND, &[&id.0], streamer).await
    }

    async fn find_by_twitch_id(&self, twitch_id: &TwitchUserId) -> Result<Option<Streamer>, StoreError> {
        self.pool.find(&FIND_BY_TWITCH_ID, &[&twitch_id.as_str()], streamer).await
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Streamer>, StoreError> {
        self.pool.find(&FIND_BY_OVERLAY, &[&overlay.0], streamer).await
    }

    async fn first(&self) -> Result<Option<Streamer>, StoreError> {
        self.pool.find(&FIRST, &[], streamer).await
    }

    async fn rotate_overlay(&self, id: StreamerId) -> Result<Option<Rotation>, StoreError> {
        let new = OverlayId::random();
        let old = |row: &Row| Ok(OverlayId(column(row, "users.old_overlay_uuid")?));
        let old = self.pool.find(&ROTATE_OVERLAY, &[&id.0, &new.0], old).await?;
        Ok(old.map(|old| Rotation { old, new }))
    }

    async fn delete(&self, id: StreamerId) -> Result<Option<DeletedAccount>, StoreError> {
        self.pool.find(&DELETE, &[&id.0], deleted).await
    }

    async fn record_bot_grant(
        &self,
        grant: &BotGrant,
        tokens: Option<&SealedTokens>,
    ) -> Result<(), StoreError> {
        let (bot, granted_at) = (grant.bot.as_str(), Instant(grant.granted_at));
        let sealed = tokens.map(|sealed| &sealed.0);
        let params: Params<'_> = &[&bot, &grant.display_name, &granted_at, &sealed];
        self.pool.execute(&RECORD_BOT_GRANT, params).await.map(|_| ())
    }

    async fn find_bot_grant(&self, bot: &TwitchUserId) -> Result<Option<BotGrant>, StoreError> {
        self.pool.find(&FIND_BOT_GRANT, &[&bot.as_str()], |row| bot_grant(bot, row)).await
    }
}

fn deleted(row: &Row) -> Result<DeletedAccount, Failure> {
    let (login, bot): (Option<_>, Option<_>) =
        (column(row, "users.sealed_tokens")?, column(row, "users.bot_tokens")?);
    Ok(DeletedAccount {
        overlay: OverlayId(column(row, "users.overlay_uuid")?),
        tokens: login.into_iter().chain(bot).map(SealedTokens).collect(),
    })
}

fn streamer(row: &Row) -> Result<Streamer, Failure> {
    Ok(Streamer {
        id: StreamerId(column(row, "users.id")?),
        twitch_id: parsed(row, "users.twitch_id")?,
        login: column(row, "users.login")?,
        display_name: column(row, "users.display_name")?,
        overlay: OverlayId(column(row, "users.overlay_uuid")?),
    })
}

fn bot_grant(bot: &TwitchUserId, row: &Row) -> Result<BotGrant, Failure> {
    let Instant(granted_at) = column(row, "bot_grants.granted_at")?;
    Ok(BotGrant { bot: bot.clone(), display_name: column(row, "bot_grants.display_name")?, granted_at })
}
