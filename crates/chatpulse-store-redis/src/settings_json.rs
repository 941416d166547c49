//! Settings as they lie in a session: `config_json`, and beside it the version and the speed, which functions need.

use chatpulse_domain::overlay::{Label, Labels, OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::trigger::{TriggerSet, Triggers};
use chatpulse_domain::vote::Side;
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
}

pub(crate) fn encode(settings: &OverlaySettings) -> String {
    let triggers = |side| settings.triggers.of(side).typed().map(str::to_owned).collect();
    let json = SettingsJson {
        for_triggers: triggers(Side::For),
        against_triggers: triggers(Side::Against),
        left_label: settings.labels.left.as_str().to_owned(),
        right_label: settings.labels.right.as_str().to_owned(),
    };
    // Only strings: there is nothing in it that has no JSON.
    serde_json::to_string(&json).unwrap_or_default()
}

/// The speed is not in the JSON: as text of its own it comes back to the last digit.
pub(crate) fn decode(json: &str, version: &str, decay: &str) -> Result<VersionedSettings, Failure> {
    let odd = || Failure::Odd { place: PLACE };
    let json: SettingsJson = serde_json::from_str(json).map_err(|_| odd())?;
    let side = |typed: &[String]| TriggerSet::parse(typed.iter().map(String::as_str)).map_err(|_| odd());
    let label = |text: &str| Label::parse(text).map_err(|_| odd());
    let (in_favor, against) = (side(&json.for_triggers)?, side(&json.against_triggers)?);
    let settings = OverlaySettings {
        triggers: Triggers::new(in_favor, against).map_err(|_| odd())?,
        labels: Labels { left: label(&json.left_label)?, right: label(&json.right_label)? },
        decay: decay_speed(decay).ok_or(Failure::Odd { place: "session.decay_speed" })?,
    };
    let version = version.parse().map_err(|_| Failure::Odd { place: "session.config_version" })?;
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
        let settings = OverlaySettings::default();
        let decoded = decode(&encode(&settings), "7", "0.5").unwrap();
        assert_eq!(decoded, VersionedSettings { settings, version: SettingsVersion(7) });
    }

    #[test]
    fn a_newer_versions_fields_are_ignored_and_nonsense_is_refused() {
        let json = encode(&OverlaySettings::default()).replacen('{', "{\"theme\":\"dark\",", 1);
        assert!(decode(&json, "1", "0.5").is_ok());
        for odd in ["", "{}", "[1]", "null"] {
            assert!(decode(odd, "1", "0.5").is_err(), "{odd}");
        }
        assert!(decode(&json, "one", "0.5").is_err());
        assert!(decode(&json, "1", "NaN").is_err());
    }
}
