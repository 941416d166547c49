//! `config_json` of a session: the settings document, with the pause state beside its fields.

use chatpulse_domain::document::{Document, Value};
use chatpulse_domain::overlay::{
    OverlaySettings, PauseState, SettingsVersion, StoredSettings, VersionedSettings,
};
use serde::Serialize;
use tracing::warn;

use crate::error::Failure;

#[derive(Serialize)]
struct ConfigJson<'a> {
    #[serde(flatten)]
    settings: &'a OverlaySettings,
    paused: bool,
    hidden: bool,
}

pub(crate) fn encode(stored: &VersionedSettings) -> String {
    let PauseState { paused, hidden } = stored.pause_state;
    let json = ConfigJson { settings: &stored.settings, paused, hidden };
    // Settings hold nothing that JSON cannot express.
    serde_json::to_string(&json).unwrap_or_default()
}

/// Fails only where there is no document or no version; an invalid field reads as its default.
pub(crate) fn decode(json: &str, version: &str) -> Result<VersionedSettings, Failure> {
    let malformed = |place| move |_| Failure::Malformed { place };
    let mut document: Document = serde_json::from_str(json).map_err(malformed("session.config_json"))?;
    let version = version.parse().map_err(|_| Failure::Malformed { place: "session.config_version" })?;
    let mut is_set = |name| matches!(document.remove(name), Some(Value::Bool(true)));
    let pause_state = PauseState { paused: is_set("paused"), hidden: is_set("hidden") };
    let StoredSettings { settings, invalid } = document.into();
    if !invalid.is_empty() {
        warn!(fields = ?invalid, "a session's settings have invalid fields; their defaults are used");
    }
    Ok(VersionedSettings { settings, pause_state, version: SettingsVersion(version) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> VersionedSettings {
        let settings =
            r#"{"left_label":"Nö","until_reset":true,"decay_speed":0.30000000000000004,"mood":["new"]}"#;
        VersionedSettings {
            settings: serde_json::from_str(settings).unwrap(),
            pause_state: PauseState { paused: true, hidden: false },
            version: SettingsVersion(7),
        }
    }

    #[test]
    fn settings_come_back_as_they_went_with_the_fields_of_a_newer_version() {
        let json = encode(&stored());
        assert!(json.contains(r#""mood":["new"]"#));
        assert_eq!(decode(&json, "7").unwrap(), stored());
        for pause_state in [PauseState::default(), PauseState { paused: false, hidden: true }] {
            let stored = VersionedSettings { pause_state, ..stored() };
            assert_eq!(decode(&encode(&stored), "7").unwrap(), stored);
        }
    }

    #[test]
    fn an_invalid_field_reads_as_its_default_and_what_is_no_document_is_refused() {
        let json = encode(&stored()).replace("momentum", "tide").replace("\"paused\":true", "\"paused\":1");
        let expected = VersionedSettings { pause_state: PauseState::default(), ..stored() };
        assert_eq!(decode(&json, "7").unwrap(), expected);
        for no_document in ["", "[1]", "null", "7"] {
            assert!(decode(no_document, "1").is_err(), "{no_document}");
        }
        assert!(decode(&json, "one").is_err());
    }
}
