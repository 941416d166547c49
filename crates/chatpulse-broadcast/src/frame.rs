//! The frames sent to overlays: one JSON text, encoded once and shared by all sockets of a session.

use bytestring::ByteString;
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::sentiment::{DecaySpeed, Sentiment};
use chatpulse_domain::side::Side;
use chatpulse_domain::tally::TallyReading;
use serde::Serialize;
use serde_json::{Value, json};

/// The newest frames of an overlay. A socket sends those that changed since its last send.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    /// `{"value":…,"status":…,"decay":…}`
    pub value: ByteString,
    /// Increases with every new value frame, even if the text is the same.
    pub value_number: u64,
    /// `{"config":{…}}`, and the settings version in it.
    pub config: (SettingsVersion, ByteString),
    /// The overlay URL was replaced: close, and do not reconnect.
    pub rotated: bool,
}

/// Whether the value is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The value is from the store.
    Active,
    /// The store is unreachable: this is the last known value, decayed.
    Degraded,
}

/// A displayed value in hundredths, so that equal values have equal frames and the last one is exactly 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hundredths(i32);

impl Hundredths {
    pub(crate) const ZERO: Self = Self(0);

    #[expect(clippy::cast_possible_truncation, reason = "a sentiment is in [-100, 100]")]
    pub(crate) fn of(sentiment: Sentiment) -> Self {
        Self((sentiment.value() * 100.0).round() as i32)
    }

    fn as_number(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

pub(crate) fn value_frame(
    value: Hundredths,
    status: Status,
    decay: DecaySpeed,
    tally: Option<TallyReading>,
) -> ByteString {
    #[derive(Serialize)]
    struct ValueFrame {
        value: f64,
        status: Status,
        decay: f64,
        /// Only in the share mode: votes in the window.
        #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
        in_favor: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        against: Option<u64>,
    }
    encode(&ValueFrame {
        value: value.as_number(),
        status,
        decay: decay.per_second(),
        in_favor: tally.map(|tally| tally.in_favor),
        against: tally.map(|tally| tally.against),
    })
}

/// Builds the settings of an overlay as a JSON object for the overlay page, config frames and the account export.
///
/// It is the stored document with version and pause state, and with additional short names for clients that need one
/// value where the document has several: `decay`, `measure`, the first trigger of each side, and no `window_secs`
/// until a reset.
pub fn config(stored: &VersionedSettings) -> Value {
    let VersionedSettings { settings, pause_state, version } = stored;
    let first = |side| settings.triggers(side).typed().next();
    // Settings contain only values that JSON can express.
    let mut config = serde_json::to_value(settings).unwrap_or_default();
    config["version"] = version.0.into();
    config["paused"] = pause_state.paused.into();
    config["hidden"] = pause_state.hidden.into();
    config["decay"] = settings.decay_speed.per_second().into();
    config["measure"] = settings.mode.as_str().into();
    config["for_trigger"] = first(Side::For).into();
    config["against_trigger"] = first(Side::Against).into();
    if settings.until_reset {
        config["window_secs"] = Value::Null;
    }
    config
}

pub(crate) fn config_frame(stored: &VersionedSettings) -> ByteString {
    json!({ "config": config(stored) }).to_string().into()
}

/// Numbers and text always encode; clients ignore an empty frame.
fn encode(frame: &impl Serialize) -> ByteString {
    serde_json::to_string(frame).map(ByteString::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::overlay::{OverlaySettings, PauseState};

    use super::*;

    #[test]
    fn a_value_has_at_most_two_decimals_and_no_negative_zero() {
        let frame = |value| {
            let value = Hundredths::of(Sentiment::clamped(value));
            value_frame(value, Status::Active, DecaySpeed::default(), None)
        };
        assert_eq!(frame(-37.5), r#"{"value":-37.5,"status":"active","decay":0.5}"#);
        assert_eq!(frame(12.345_678), r#"{"value":12.35,"status":"active","decay":0.5}"#);
        assert_eq!(frame(-0.004), r#"{"value":0.0,"status":"active","decay":0.5}"#);
        let tally = TallyReading { in_favor: 7, against: 3 };
        let share = Hundredths::of(tally.sentiment());
        assert_eq!(
            value_frame(share, Status::Active, DecaySpeed::default(), Some(tally)),
            r#"{"value":40.0,"status":"active","decay":0.5,"for":7,"against":3}"#
        );
    }

    #[test]
    fn settings_travel_with_their_version_and_the_names_that_clients_know() {
        let document = r#"{"for_triggers":["ja","jo"],"mode":"share","mood":"new"}"#;
        let stored = VersionedSettings {
            settings: serde_json::from_str(document).unwrap(),
            pause_state: PauseState { paused: true, hidden: false },
            version: SettingsVersion(3),
        };
        let frame: Value = serde_json::from_str(&config_frame(&stored)).unwrap();
        let expected = json!({
            "for_triggers": ["ja", "jo"], "for_trigger": "ja",
            "against_triggers": ["no"], "against_trigger": "no",
            "matching": "forgiving", "left_label": "Against", "right_label": "For",
            "decay_speed": 0.5, "decay": 0.5,
            "mode": "share", "measure": "share",
            "window_secs": 30, "until_reset": false, "one_vote_each": false,
            "shape": "bar", "theme": "dark", "for_colour": "#35c2ff", "against_colour": "#ffb347", "position": "middle",
            "flipped": false, "hint": false, "counts": false, "percentages": false,
            "show_marker": true, "mod_commands": true, "mood": "new",
            "version": 3, "paused": true, "hidden": false,
        });
        assert_eq!(frame, json!({ "config": expected }));
        let until_reset = OverlaySettings { until_reset: true, ..stored.settings.clone() };
        assert_eq!(
            config(&VersionedSettings { settings: until_reset, ..stored })["window_secs"],
            Value::Null
        );
    }
}
