//! What travels to an overlay: one JSON text, encoded once and shared by all sockets of a session.

use bytestring::ByteString;
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::sentiment::{DecaySpeed, Sentiment};
use serde::Serialize;

/// The newest of everything that an overlay shows. A socket sends what changed since it last looked.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    /// `{"value":…,"status":…,"decay":…}`
    pub value: ByteString,
    /// Rises with every new value frame, also one with the same text.
    pub value_number: u64,
    /// `{"config":{…}}`, with the version that it shows.
    pub config: (SettingsVersion, ByteString),
    /// The address was replaced: close, and do not come back.
    pub rotated: bool,
}

/// Whether the value is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// From the store.
    Active,
    /// The last known value, decayed: the store is out of reach.
    Degraded,
}

/// A value as it is shown: hundredths, so that equal frames are equal and the last one is exactly 0.
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

pub(crate) fn value_frame(value: Hundredths, status: Status, decay: DecaySpeed) -> ByteString {
    #[derive(Serialize)]
    struct ValueFrame {
        value: f64,
        status: Status,
        decay: f64,
    }
    encode(&ValueFrame { value: value.as_number(), status, decay: decay.per_second() })
}

pub(crate) fn config_frame(settings: &VersionedSettings) -> ByteString {
    #[derive(Serialize)]
    struct ConfigFrame<'a> {
        config: Config<'a>,
    }
    #[derive(Serialize)]
    struct Config<'a> {
        left_label: &'a str,
        right_label: &'a str,
        decay: f64,
        version: u64,
    }
    let VersionedSettings { settings, version } = settings;
    encode(&ConfigFrame {
        config: Config {
            left_label: settings.labels.left.as_str(),
            right_label: settings.labels.right.as_str(),
            decay: settings.decay.per_second(),
            version: version.0,
        },
    })
}

/// Numbers and text always encode; an empty frame is ignored by every client.
fn encode(frame: &impl Serialize) -> ByteString {
    serde_json::to_string(frame).map(ByteString::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::overlay::OverlaySettings;

    use super::*;

    #[test]
    fn a_value_has_at_most_two_decimals_and_no_negative_zero() {
        let frame = |value| {
            value_frame(Hundredths::of(Sentiment::clamped(value)), Status::Active, DecaySpeed::default())
        };
        assert_eq!(frame(-37.5), r#"{"value":-37.5,"status":"active","decay":0.5}"#);
        assert_eq!(frame(12.345_678), r#"{"value":12.35,"status":"active","decay":0.5}"#);
        assert_eq!(frame(-0.004), r#"{"value":0.0,"status":"active","decay":0.5}"#);
    }

    #[test]
    fn settings_travel_with_their_version() {
        let settings =
            VersionedSettings { settings: OverlaySettings::default(), version: SettingsVersion(3) };
        assert_eq!(
            config_frame(&settings),
            r#"{"config":{"left_label":"Against","right_label":"For","decay":0.5,"version":3}}"#
        );
    }
}
