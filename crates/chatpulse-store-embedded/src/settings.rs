//! Settings in SQLite. The version is raised by the write itself, so no two writes share one.

use async_trait::async_trait;
use chatpulse_domain::command::StageChange;
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::look::Look;
use chatpulse_domain::overlay::{
    Label, Labels, Measure, OverlaySettings, SettingsVersion, Stage, VersionedSettings,
};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::trigger::{TriggerSet, Triggers};
use chatpulse_domain::window::{Window, WindowSecs};
use rusqlite::{Connection, Row, TransactionBehavior, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const CREATE: &str = include_str!("../queries/settings/create.sql");
const SELECT: &str = include_str!("../queries/settings/find.sql");
const SELECT_SEEDS: &str = include_str!("../queries/settings/seeds.sql");
const UPDATE: &str = include_str!("../queries/settings/update.sql");
const UPDATE_STAGE: &str = include_str!("../queries/settings/set_stage.sql");
const EXISTS: &str = include_str!("../queries/settings/exists.sql");

/// What streamers have set.
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
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":streamer_id": streamer.to_string() };
            query::find(connection, SELECT, params, versioned)
        };
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

    async fn set_stage(
        &self,
        streamer: StreamerId,
        change: StageChange,
    ) -> Result<Option<VersionedSettings>, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! {
                ":streamer_id": streamer.to_string(),
                ":paused": change.paused,
                ":hidden": change.hidden,
            };
            query::find(connection, UPDATE_STAGE, params, versioned)
        };
        self.file.call(operation::SETTINGS_SET_STAGE, work).await
    }
}

/// The settings of a new account; those of a known one stay.
pub(crate) fn create(
    connection: &Connection,
    streamer: StreamerId,
    settings: &OverlaySettings,
) -> Result<(), Failure> {
    let params = named_params! {
        ":streamer_id": streamer.to_string(),
        ":for_triggers": json(settings.triggers.of(Side::For)),
        ":against_triggers": json(settings.triggers.of(Side::Against)),
        ":left_label": settings.labels.left.as_str(),
        ":right_label": settings.labels.right.as_str(),
        ":decay_speed": settings.decay.per_second(),
    };
    query::execute(connection, CREATE, params).map(|_| ())
}

fn save(
    connection: &mut Connection,
    streamer: StreamerId,
    settings: &OverlaySettings,
    based_on: Option<SettingsVersion>,
) -> Result<SaveOutcome, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = match update(&transaction, streamer, settings, based_on)? {
        Some(version) => SaveOutcome::Saved(version),
        None if exists(&transaction, streamer)? => SaveOutcome::Stale,
        None => SaveOutcome::NoStreamer,
    };
    transaction.commit()?;
    Ok(outcome)
}

/// The new version; `None` if there is no row, or it is newer than `based_on`.
fn update(
    connection: &Connection,
    streamer: StreamerId,
    settings: &OverlaySettings,
    based_on: Option<SettingsVersion>,
) -> Result<Option<SettingsVersion>, Failure> {
    let params = named_params! {
        ":streamer_id": streamer.to_string(),
        ":for_triggers": json(settings.triggers.of(Side::For)),
        ":against_triggers": json(settings.triggers.of(Side::Against)),
        ":left_label": settings.labels.left.as_str(),
        ":right_label": settings.labels.right.as_str(),
        ":decay_speed": settings.decay.per_second(),
        ":measure": settings.measure.kind.as_str(),
        ":window_secs": match settings.measure.window {
            Window::Last(secs) => Some(secs.get()),
            Window::UntilReset => None,
        },
        ":one_vote_each": settings.measure.one_vote_each,
        ":shape": settings.look.shape.as_str(),
        ":theme": settings.look.theme.as_str(),
        ":for_colour": settings.look.for_colour.to_string(),
        ":against_colour": settings.look.against_colour.to_string(),
        ":position": settings.look.position.as_str(),
        ":flipped": settings.look.flipped,
        ":hint": settings.look.hint,
        ":counts": settings.look.counts,
        ":percentages": settings.look.percentages,
        ":mod_commands": settings.mod_commands,
        // SQLite's numbers end at i64::MAX, and no stored version is beyond it.
        ":based_on": based_on.map(|version| i64::try_from(version.0).unwrap_or(i64::MAX)),
    };
    query::find(connection, UPDATE, params, version)
}

fn exists(connection: &Connection, streamer: StreamerId) -> Result<bool, Failure> {
    let params = named_params! { ":streamer_id": streamer.to_string() };
    let exists = query::find(connection, EXISTS, params, |row| Ok(row.get(0)?))?;
    Ok(exists.unwrap_or(false))
}

fn version(row: &Row<'_>) -> Result<SettingsVersion, Failure> {
    let version: i64 = row.get("version")?;
    let version = u64::try_from(version).map_err(Failure::corrupt("settings.version"))?;
    Ok(SettingsVersion(version))
}

fn versioned(row: &Row<'_>) -> Result<VersionedSettings, Failure> {
    let in_favor = triggers(row, "for_triggers", "settings.for_triggers")?;
    let against = triggers(row, "against_triggers", "settings.against_triggers")?;
    let decay = DecaySpeed::new(row.get("decay_speed")?);
    let settings = OverlaySettings {
        triggers: Triggers::new(in_favor, against).map_err(Failure::corrupt("settings.against_triggers"))?,
        labels: Labels {
            left: label(row, "left_label", "settings.left_label")?,
            right: label(row, "right_label", "settings.right_label")?,
        },
        decay: decay.map_err(Failure::corrupt("settings.decay_speed"))?,
        measure: Measure {
            kind: query::parsed(row, "measure", "settings.measure")?,
            window: window(row.get("window_secs")?)?,
            one_vote_each: row.get("one_vote_each")?,
        },
        look: Look {
            shape: query::parsed(row, "shape", "settings.shape")?,
            theme: query::parsed(row, "theme", "settings.theme")?,
            for_colour: query::parsed(row, "for_colour", "settings.for_colour")?,
            against_colour: query::parsed(row, "against_colour", "settings.against_colour")?,
            position: query::parsed(row, "position", "settings.position")?,
            flipped: row.get("flipped")?,
            hint: row.get("hint")?,
            counts: row.get("counts")?,
            percentages: row.get("percentages")?,
        },
        mod_commands: row.get("mod_commands")?,
        stage: Stage { paused: row.get("paused")?, hidden: row.get("hidden")? },
    };
    Ok(VersionedSettings { settings, version: version(row)? })
}

fn seed(row: &Row<'_>) -> Result<SessionSeed, Failure> {
    Ok(SessionSeed {
        overlay: query::parsed(row, "overlay", "streamers.overlay")?,
        broadcaster: query::parsed(row, "twitch_id", "streamers.twitch_id")?,
        settings: versioned(row)?,
    })
}

fn window(secs: Option<u8>) -> Result<Window, Failure> {
    match secs.map(WindowSecs::new) {
        None => Ok(Window::UntilReset),
        Some(secs) => secs.map(Window::Last).map_err(Failure::corrupt("settings.window_secs")),
    }
}

fn label(row: &Row<'_>, column: &str, place: &'static str) -> Result<Label, Failure> {
    let text: String = row.get(column)?;
    Label::parse(&text).map_err(Failure::corrupt(place))
}

fn triggers(row: &Row<'_>, column: &str, place: &'static str) -> Result<TriggerSet, Failure> {
    let json: String = row.get(column)?;
    let typed: Vec<String> = serde_json::from_str(&json).map_err(Failure::corrupt(place))?;
    TriggerSet::parse(typed.iter().map(String::as_str)).map_err(Failure::corrupt(place))
}

fn json(triggers: &TriggerSet) -> String {
    triggers.typed().collect::<serde_json::Value>().to_string()
}
