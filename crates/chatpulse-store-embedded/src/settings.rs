//! Settings in SQLite: one document per streamer. Each write raises the version itself.

use async_trait::async_trait;
use chatpulse_domain::command::PauseChange;
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::overlay::{
    OverlaySettings, PauseState, SettingsVersion, StoredSettings, VersionedSettings,
};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::session::SessionSeed;
use rusqlite::{Connection, Row, TransactionBehavior, named_params};
use tracing::warn;

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const INSERT: &str = include_str!("../queries/configs/create.sql");
const SELECT: &str = include_str!("../queries/configs/find.sql");
const SELECT_SEEDS: &str = include_str!("../queries/configs/seeds.sql");
const UPDATE: &str = include_str!("../queries/configs/save.sql");
const UPDATE_PAUSE: &str = include_str!("../queries/configs/change_pause.sql");

/// The table `configs`.
#[derive(Clone)]
pub struct SqliteSettings {
    file: SqliteFile,
}

impl SqliteSettings {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl SettingsRepository for SqliteSettings {
    async fn find(&self, streamer: StreamerId) -> Result<Option<VersionedSettings>, StoreError> {
        let work = move |connection: &mut Connection| find(connection, streamer);
        self.file.call(operation::SETTINGS_FIND, work).await
    }

    async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError> {
        let overlays = overlays.iter().map(ToString::to_string).collect::<serde_json::Value>().to_string();
        let work = move |connection: &mut Connection| {
            query::all(connection, SELECT_SEEDS, named_params! { ":overlays": overlays }, seed)
        };
        self.file.call(operation::SETTINGS_SEEDS, work).await
    }

    async fn save(
        &self,
        streamer: StreamerId,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError> {
        let settings = settings.clone();
        let work = move |connection: &mut Connection| save(connection, streamer, &settings, based_on);
        self.file.call(operation::SETTINGS_SAVE, work).await
    }

    async fn change_pause(
        &self,
        streamer: StreamerId,
        change: PauseChange,
    ) -> Result<Option<VersionedSettings>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! {
                ":user_id": streamer.to_string(),
                ":paused": change.paused,
                ":hidden": change.hidden,
            };
            query::find(connection, UPDATE_PAUSE, params, versioned)
        };
        self.file.call(operation::SETTINGS_CHANGE_PAUSE, work).await
    }
}

/// Inserts the settings of a new account; a known account keeps its own.
pub(crate) fn create(
    connection: &Connection,
    streamer: StreamerId,
    settings: &OverlaySettings,
) -> Result<(), Failure> {
    let params = named_params! { ":user_id": streamer.to_string(), ":settings": document(settings)? };
    query::execute(connection, INSERT, params).map(|_| ())
}

fn find(connection: &Connection, streamer: StreamerId) -> Result<Option<VersionedSettings>, Failure> {
    query::find(connection, SELECT, named_params! { ":user_id": streamer.to_string() }, versioned)
}

fn save(
    connection: &mut Connection,
    streamer: StreamerId,
    settings: &OverlaySettings,
    based_on: Option<SettingsVersion>,
) -> Result<SaveOutcome, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let params = named_params! {
        ":user_id": streamer.to_string(),
        ":settings": document(settings)?,
        ":may_command": settings.mod_commands,
        // SQLite's numbers end at i64::MAX, and no stored version is beyond it.
        ":based_on": based_on.map(|version| i64::try_from(version.0).unwrap_or(i64::MAX)),
    };
    let outcome = match query::find(&transaction, UPDATE, params, versioned)? {
        Some(stored) => SaveOutcome::Saved(stored),
        None => find(&transaction, streamer)?.map_or(SaveOutcome::NoStreamer, SaveOutcome::Stale),
    };
    transaction.commit()?;
    Ok(outcome)
}

fn document(settings: &OverlaySettings) -> Result<String, Failure> {
    serde_json::to_string(settings).map_err(Failure::corrupt("configs.settings"))
}

fn seed(row: &Row<'_>) -> Result<SessionSeed, Failure> {
    Ok(SessionSeed {
        overlay: query::parsed(row, "overlay_uuid", "users.overlay_uuid")?,
        broadcaster: query::parsed(row, "twitch_id", "users.twitch_id")?,
        settings: versioned(row)?,
    })
}

fn versioned(row: &Row<'_>) -> Result<VersionedSettings, Failure> {
    let document: String = row.get("settings")?;
    let StoredSettings { settings, invalid } =
        serde_json::from_str(&document).map_err(Failure::corrupt("configs.settings"))?;
    if !invalid.is_empty() {
        let user_id: String = row.get("user_id")?;
        warn!(user_id, fields = ?invalid, "stored settings have invalid fields; their defaults are used");
    }
    let version: i64 = row.get("version")?;
    let version = u64::try_from(version).map_err(Failure::corrupt("configs.version"))?;
    Ok(VersionedSettings {
        settings,
        pause_state: PauseState { paused: row.get("paused")?, hidden: row.get("hidden")? },
        version: SettingsVersion(version),
    })
}
