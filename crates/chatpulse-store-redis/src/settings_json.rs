//! Settings as they lie in a session: `config_json`, and beside it the version and the speed, which functions need.

use chatpulse_domain::look::Look;
use chatpulse_domain::overlay::{
    Label, Labels, Measure, OverlaySettings, SettingsVersion, Stage, VersionedSettings,
};
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::trigger::{TriggerSet, Triggers};
use chatpulse_domain::window::{Window, WindowSecs};
use serde::{Deserialize, Serialize};

use crate::error::Failure;

const PLACE: &str = "session.config_json";

/// Fields that it does not know are somebody newer's, and left alone.
#[derive(Serialize, Deserialize)]
struct SettingsJson {
    for_triggers: Vec<String>,
    against_triggers: Vec<String>,
    left_label: String,
    right_label: String,
    /// Not there where an earlier version wrote it.
    #[serde(default)]
    measure: Option<MeasureJson>,
    #[serde(default)]
    look: Option<LookJson>,
    #[serde(default)]
    stage: Option<StageJson>,
}

#[derive(Serialize, Deserialize)]
struct StageJson {
    mod_commands: bool,
    paused: bool,
    hidden: bool,
}

#[derive(Serialize, Deserialize)]
struct MeasureJson {
    kind: String,
    /// `null`: until reset.
    window_secs: Option<u8>,
    one_vote_each: bool,
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "as a streamer ticks them")]
struct LookJson {
    shape: String,
    theme: String,
    for_colour: String,
    against_colour: String,
    position: String,
    flipped: bool,
    hint: bool,
    counts: bool,
    percentages: bool,
}

impl From<Measure> for MeasureJson {
    fn from(measure: Measure) -> Self {
        let window_secs = match measure.window {
            Window::Last(secs) => Some(secs.get()),
            Window::UntilReset => None,
        };
        let kind = measure.kind.as_str().to_owned();
        Self { kind, window_secs, one_vote_each: measure.one_vote_each }
    }
}

impl MeasureJson {
    fn parse(&self) -> Option<Measure> {
        let window = match self.window_secs {
            Some(secs) => Window::Last(WindowSecs::new(secs).ok()?),
            None => Window::UntilReset,
        };
        Some(Measure { kind: self.kind.parse().ok()?, window, one_vote_each: self.one_vote_each })
    }
}

impl From<Look> for LookJson {
    fn from(look: Look) -> Self {
        Self {
            shape: look.shape.as_str().to_owned(),
            theme: look.theme.as_str().to_owned(),
            for_colour: look.for_colour.to_string(),
            against_colour: look.against_colour.to_string(),
            position: look.position.as_str().to_owned(),
            flipped: look.flipped,
            hint: look.hint,
            counts: look.counts,
            percentages: look.percentages,
        }
    }
}

impl LookJson {
    fn parse(&self) -> Option<Look> {
        Some(Look {
            shape: self.shape.parse().ok()?,
            theme: self.theme.parse().ok()?,
            for_colour: self.for_colour.parse().ok()?,
            against_colour: self.against_colour.parse().ok()?,
            position: self.position.parse().ok()?,
            flipped: self.flipped,
            hint: self.hint,
            counts: self.counts,
            percentages: self.percentages,
        })
    }
}

pub(crate) fn encode(settings: &OverlaySettings) -> String {
    let triggers = |side| settings.triggers.of(side).typed().map(str::to_owned).collect();
    let json = SettingsJson {
        for_triggers: triggers(Side::For),
        against_triggers: triggers(Side::Against),
        left_label: settings.labels.left.as_str().to_owned(),
        right_label: settings.labels.right.as_str().to_owned(),
        measure: Some(settings.measure.into()),
        look: Some(settings.look.into()),
        stage: Some(StageJson {
            mod_commands: settings.mod_commands,
            paused: settings.stage.paused,
            hidden: settings.stage.hidden,
        }),
    };
    // Only strings: there is nothing in it that has no JSON.
    serde_json::to_string(&json).unwrap_or_default()
}

/// The speed is not in the JSON: as text of its own it comes back to the last digit.
pub(crate) fn decode(json: &str, version: &str, decay: &str) -> Result<VersionedSettings, Failure> {
    let odd = || Failure::Malformed { place: PLACE };
    let json: SettingsJson = serde_json::from_str(json).map_err(|_| odd())?;
    let side = |typed: &[String]| TriggerSet::parse(typed.iter().map(String::as_str)).map_err(|_| odd());
    let label = |text: &str| Label::parse(text).map_err(|_| odd());
    let (in_favor, against) = (side(&json.for_triggers)?, side(&json.against_triggers)?);
    let settings = OverlaySettings {
        triggers: Triggers::new(in_favor, against).map_err(|_| odd())?,
        labels: Labels { left: label(&json.left_label)?, right: label(&json.right_label)? },
        decay: decay_speed(decay).ok_or(Failure::Malformed { place: "session.decay_speed" })?,
        // A word that only a newer version knows is no reason to lose the votes: the usual stands in for it.
        measure: json.measure.as_ref().and_then(MeasureJson::parse).unwrap_or_default(),
        look: json.look.as_ref().and_then(LookJson::parse).unwrap_or_default(),
        mod_commands: json.stage.as_ref().is_none_or(|stage| stage.mod_commands),
        stage: json
            .stage
            .map(|stage| Stage { paused: stage.paused, hidden: stage.hidden })
            .unwrap_or_default(),
    };
    let version = version.parse().map_err(|_| Failure::Malformed { place: "session.config_version" })?;
    Ok(VersionedSettings { settings, version: SettingsVersion(version) })
}

fn decay_speed(text: &str) -> Option<DecaySpeed> {
    DecaySpeed::new(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_went() {
        let measure = Measure { window: Window::UntilReset, one_vote_each: true, ..Measure::default() };
        let look = Look { flipped: true, for_colour: "#123456".parse().unwrap(), ..Look::default() };
        let settings = OverlaySettings {
            measure,
            look,
            mod_commands: false,
            stage: Stage { paused: true, hidden: true },
            ..OverlaySettings::default()
        };
        let decoded = decode(&encode(&settings), "7", "0.5").unwrap();
        assert_eq!(decoded, VersionedSettings { settings, version: SettingsVersion(7) });
    }

    #[test]
    fn a_newer_versions_fields_are_ignored_and_nonsense_is_refused() {
        let json = encode(&OverlaySettings::default()).replacen('{', "{\"mood\":\"dark\",", 1);
        assert!(decode(&json, "1", "0.5").is_ok());
        let unknown = json.replace("momentum", "tide");
        assert_eq!(decode(&unknown, "1", "0.5").unwrap().settings.measure, Measure::default());
        for odd in ["", "{}", "[1]", "null"] {
            assert!(decode(odd, "1", "0.5").is_err(), "{odd}");
        }
        assert!(decode(&json, "one", "0.5").is_err());
        assert!(decode(&json, "1", "NaN").is_err());
    }
}
