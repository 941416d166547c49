//! What travels to an overlay: one JSON text, encoded once and shared by all sockets of a session.

use bytestring::ByteString;
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::sentiment::{DecaySpeed, Sentiment};
use chatpulse_domain::side::Side;
use chatpulse_domain::tally::TallyReading;
use chatpulse_domain::window::Window;
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
        /// Of a share: votes in the window.
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

/// What an overlay is told of its settings, as a JSON object: the page begins with it, frames carry it later.
pub fn config_json(settings: &VersionedSettings) -> String {
    encode(&Config::of(settings)).to_string()
}

pub(crate) fn config_frame(settings: &VersionedSettings) -> ByteString {
    #[derive(Serialize)]
    struct ConfigFrame<'a> {
        config: Config<'a>,
    }
    encode(&ConfigFrame { config: Config::of(settings) })
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the wire has them side by side")]
struct Config<'a> {
    left_label: &'a str,
    right_label: &'a str,
    decay: f64,
    version: u64,
    measure: &'static str,
    /// `null`: until reset.
    window_secs: Option<u8>,
    shape: &'static str,
    theme: &'static str,
    for_colour: String,
    against_colour: String,
    position: &'static str,
    flipped: bool,
    hint: bool,
    counts: bool,
    percentages: bool,
    for_trigger: &'a str,
    against_trigger: &'a str,
    paused: bool,
    hidden: bool,
}

impl<'a> Config<'a> {
    fn of(VersionedSettings { settings, version }: &'a VersionedSettings) -> Self {
        let OverlaySettings { triggers, labels, decay, measure, look, stage, .. } = settings;
        let first = |side| triggers.of(side).typed().next().unwrap_or_default();
        Self {
            left_label: labels.left.as_str(),
            right_label: labels.right.as_str(),
            decay: decay.per_second(),
            version: version.0,
            measure: measure.kind.as_str(),
            window_secs: match measure.window {
                Window::Last(secs) => Some(secs.get()),
                Window::UntilReset => None,
            },
            shape: look.shape.as_str(),
            theme: look.theme.as_str(),
            for_colour: look.for_colour.to_string(),
            against_colour: look.against_colour.to_string(),
            position: look.position.as_str(),
            flipped: look.flipped,
            hint: look.hint,
            counts: look.counts,
            percentages: look.percentages,
            for_trigger: first(Side::For),
            against_trigger: first(Side::Against),
            paused: stage.paused,
            hidden: stage.hidden,
        }
    }
}

/// Numbers and text always encode; an empty frame is ignored by every client.
fn encode(frame: &impl Serialize) -> ByteString {
    serde_json::to_string(frame).map(ByteString::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
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
    fn settings_travel_with_their_version() {
        let settings =
            VersionedSettings { settings: OverlaySettings::default(), version: SettingsVersion(3) };
        let frame = config_frame(&settings);
        assert!(
            frame.starts_with(
                r#"{"config":{"left_label":"Against","right_label":"For","decay":0.5,"version":3,"measure":"momentum","window_secs":30,"#
            ),
            "{frame}"
        );
        assert_eq!(frame, format!(r#"{{"config":{}}}"#, config_json(&settings)));
    }
}
