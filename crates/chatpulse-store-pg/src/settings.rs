//! Settings in PostgreSQL. A trigger raises the version with every write, so no two writes share one.

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
use tokio_postgres::Row;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Params, Query, column, parsed};

const FIND: Query = Query::reading(operation::SETTINGS_FIND, include_str!("../queries/configs/find.sql"));
const SEEDS: Query = Query::reading(operation::SETTINGS_SEEDS, include_str!("../queries/configs/seeds.sql"));
const SAVE: Query = Query::writing(operation::SETTINGS_SAVE, include_str!("../queries/configs/save.sql"));

const SET_STAGE: Query =
    Query::writing(operation::SETTINGS_SET_STAGE, include_str!("../queries/configs/set_stage.sql"));

/// What streamers have set.
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
        let columns = Columns::of(settings);
        // PostgreSQL's numbers end at i64::MAX, and no stored version is beyond it.
        let based_on = based_on.map(|version| i64::try_from(version.0).unwrap_or(i64::MAX));
        let params: Params<'_> = &[
            &streamer.0,
            &columns.for_triggers,
            &columns.against_triggers,
            &columns.left_label,
            &columns.right_label,
            &columns.decay_speed,
            &based_on,
            &columns.measure,
            &columns.window_secs,
            &settings.measure.one_vote_each,
            &columns.shape,
            &columns.theme,
            &columns.for_colour,
            &columns.against_colour,
            &columns.position,
            &settings.look.flipped,
            &settings.look.hint,
            &settings.look.counts,
            &settings.look.percentages,
            &settings.mod_commands,
        ];
        let outcome = self.pool.find(&SAVE, params, saved).await?;
        Ok(outcome.unwrap_or(SaveOutcome::NoStreamer))
    }

    async fn set_stage(
        &self,
        streamer: StreamerId,
        change: StageChange,
    ) -> Result<Option<VersionedSettings>, StoreError> {
        self.pool.find(&SET_STAGE, &[&streamer.0, &change.paused, &change.hidden], versioned).await
    }
}

/// Settings as they are written.
pub(crate) struct Columns<'a> {
    pub(crate) for_triggers: Vec<&'a str>,
    pub(crate) against_triggers: Vec<&'a str>,
    pub(crate) left_label: &'a str,
    pub(crate) right_label: &'a str,
    pub(crate) decay_speed: f64,
    measure: &'static str,
    window_secs: Option<i16>,
    shape: &'static str,
    theme: &'static str,
    for_colour: String,
    against_colour: String,
    position: &'static str,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(settings: &'a OverlaySettings) -> Self {
        Self {
            for_triggers: settings.triggers.of(Side::For).typed().collect(),
            against_triggers: settings.triggers.of(Side::Against).typed().collect(),
            left_label: settings.labels.left.as_str(),
            right_label: settings.labels.right.as_str(),
            decay_speed: settings.decay.per_second(),
            measure: settings.measure.kind.as_str(),
            window_secs: match settings.measure.window {
                Window::Last(secs) => Some(i16::from(secs.get())),
                Window::UntilReset => None,
            },
            shape: settings.look.shape.as_str(),
            theme: settings.look.theme.as_str(),
            for_colour: settings.look.for_colour.to_string(),
            against_colour: settings.look.against_colour.to_string(),
            position: settings.look.position.as_str(),
        }
    }
}

fn saved(row: &Row) -> Result<SaveOutcome, Failure> {
    let written: Option<i64> = column(row, "configs.version")?;
    if let Some(written) = written {
        return version(written).map(SaveOutcome::Saved);
    }
    let is_known: bool = column(row, "configs.is_known")?;
    Ok(if is_known { SaveOutcome::Stale } else { SaveOutcome::NoStreamer })
}

fn version(stored: i64) -> Result<SettingsVersion, Failure> {
    u64::try_from(stored).map(SettingsVersion).map_err(Failure::corrupt("configs.version"))
}

fn versioned(row: &Row) -> Result<VersionedSettings, Failure> {
    let in_favor = triggers(row, "configs.for_triggers")?;
    let against = triggers(row, "configs.against_triggers")?;
    let decay = DecaySpeed::new(column(row, "configs.decay_speed")?);
    let settings = OverlaySettings {
        triggers: Triggers::new(in_favor, against).map_err(Failure::corrupt("configs.against_triggers"))?,
        labels: Labels { left: label(row, "configs.left_label")?, right: label(row, "configs.right_label")? },
        decay: decay.map_err(Failure::corrupt("configs.decay_speed"))?,
        measure: Measure {
            kind: parsed(row, "configs.measure")?,
            window: window(column(row, "configs.window_secs")?)?,
            one_vote_each: column(row, "configs.one_vote_each")?,
        },
        look: Look {
            shape: parsed(row, "configs.shape")?,
            theme: parsed(row, "configs.theme")?,
            for_colour: parsed(row, "configs.for_colour")?,
            against_colour: parsed(row, "configs.against_colour")?,
            position: parsed(row, "configs.position")?,
            flipped: column(row, "configs.flipped")?,
            hint: column(row, "configs.hint")?,
            counts: column(row, "configs.counts")?,
            percentages: column(row, "configs.percentages")?,
        },
        mod_commands: column(row, "configs.mod_commands")?,
        stage: Stage { paused: column(row, "configs.paused")?, hidden: column(row, "configs.hidden")? },
    };
    Ok(VersionedSettings { settings, version: version(column(row, "configs.version")?)? })
}

fn seed(row: &Row) -> Result<SessionSeed, Failure> {
    Ok(SessionSeed {
        overlay: OverlayId(column(row, "users.overlay_uuid")?),
        broadcaster: parsed(row, "users.twitch_id")?,
        settings: versioned(row)?,
    })
}

fn window(secs: Option<i16>) -> Result<Window, Failure> {
    const PLACE: &str = "configs.window_secs";
    let Some(secs) = secs else {
        return Ok(Window::UntilReset);
    };
    let secs = u8::try_from(secs).map_err(Failure::corrupt(PLACE))?;
    WindowSecs::new(secs).map(Window::Last).map_err(Failure::corrupt(PLACE))
}

fn label(row: &Row, place: &'static str) -> Result<Label, Failure> {
    Label::parse(column(row, place)?).map_err(Failure::corrupt(place))
}

fn triggers(row: &Row, place: &'static str) -> Result<TriggerSet, Failure> {
    let typed: Vec<&str> = column(row, place)?;
    TriggerSet::parse(typed).map_err(Failure::corrupt(place))
}
