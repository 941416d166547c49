//! Settings in PostgreSQL: one document per streamer. A trigger raises the version with every write.

use async_trait::async_trait;
use chatpulse_domain::command::PauseChange;
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::overlay::{
    OverlaySettings, PauseState, SettingsVersion, StoredSettings, VersionedSettings,
};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::session::SessionSeed;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use tracing::warn;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Query, column, parsed};

const FIND: Query = Query::reading(operation::SETTINGS_FIND, include_str!("../queries/configs/find.sql"));
const SEEDS: Query = Query::reading(operation::SETTINGS_SEEDS, include_str!("../queries/configs/seeds.sql"));
const SAVE: Query = Query::writing(operation::SETTINGS_SAVE, include_str!("../queries/configs/save.sql"));
const CHANGE_PAUSE: Query =
    Query::writing(operation::SETTINGS_CHANGE_PAUSE, include_str!("../queries/configs/change_pause.sql"));

/// The table `configs`.
#[derive(Clone)]
pub struct PgSettings {
    pool: PgPool,
}

impl PgSettings {
    /// Uses an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl SettingsRepository for PgSettings {
    async fn find(&self, streamer: StreamerId) -> Result<Option<VersionedSettings>, StoreError> {
        self.pool.find(&FIND, &[&streamer.0], versioned).await
    }

    async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError> {
        let overlays: Vec<_> = overlays.iter().map(|overlay| overlay.0).collect();
        self.pool.all(&SEEDS, &[&overlays], seed).await
    }

    async fn save(
        &self,
        streamer: StreamerId,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError> {
        // PostgreSQL's numbers end at i64::MAX, and no stored version is beyond it.
        let based_on = based_on.map(|version| i64::try_from(version.0).unwrap_or(i64::MAX));
        let may_command = settings.mod_commands;
        let outcome =
            self.pool.find(&SAVE, &[&streamer.0, &Json(settings), &based_on, &may_command], saved).await?;
        Ok(outcome.unwrap_or(SaveOutcome::NoStreamer))
    }

    async fn change_pause(
        &self,
        streamer: StreamerId,
        change: PauseChange,
    ) -> Result<Option<VersionedSettings>, StoreError> {
        self.pool.find(&CHANGE_PAUSE, &[&streamer.0, &change.paused, &change.hidden], versioned).await
    }
}

fn saved(row: &Row) -> Result<SaveOutcome, Failure> {
    let stored = versioned(row)?;
    let is_saved = column(row, "configs.is_saved")?;
    Ok(if is_saved { SaveOutcome::Saved(stored) } else { SaveOutcome::Stale(stored) })
}

fn seed(row: &Row) -> Result<SessionSeed, Failure> {
    Ok(SessionSeed {
        overlay: OverlayId(column(row, "users.overlay_uuid")?),
        broadcaster: parsed(row, "users.twitch_id")?,
        settings: versioned(row)?,
    })
}

fn versioned(row: &Row) -> Result<VersionedSettings, Failure> {
    let Json(StoredSettings { settings, invalid }) = column(row, "configs.settings")?;
    if !invalid.is_empty() {
        let user_id = StreamerId(column(row, "configs.user_id")?);
        warn!(%user_id, fields = ?invalid, "stored settings have invalid fields; their defaults are used");
    }
    let version: i64 = column(row, "configs.version")?;
    let version = u64::try_from(version).map_err(Failure::corrupt("configs.version"))?;
    Ok(VersionedSettings {
        settings,
        pause_state: PauseState {
            paused: column(row, "configs.paused")?,
            hidden: column(row, "configs.hidden")?,
        },
        version: SettingsVersion(version),
    })
}
