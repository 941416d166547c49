//! The settings of a streamer: one document with one definition.
//!
//! [`OverlaySettings`] is that definition. Its field names are the names in both databases, in Redis, in the overlay's
//! config frame and in the account export, and each default is written once, in its [`Default`]. Stores read it through
//! [`StoredSettings`], which never fails on a single field.

use serde::{Deserialize, Serialize};

use crate::appearance::{Colour, Shape, Theme, VerticalPosition};
use crate::document::{Document, Value};
use crate::label::Label;
use crate::matching::{Matching, side_of};
use crate::message::VoteText;
use crate::mode::Mode;
use crate::sentiment::DecaySpeed;
use crate::side::Side;
use crate::trigger_set::TriggerSet;
use crate::window::{Window, WindowSecs};

/// Everything a streamer has set. Settings that exist are valid: every type can hold nothing else.
///
/// `Deserialize` refuses a document with an invalid field; it serves forms. Stores use [`StoredSettings`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a streamer ticks")]
pub struct OverlaySettings {
    /// What counts as a vote for.
    pub for_triggers: TriggerSet,
    /// What counts as a vote against.
    pub against_triggers: TriggerSet,
    /// How exactly a line has to be a trigger.
    pub matching: Matching,
    /// The label of the side against.
    pub left_label: Label,
    /// The label of the side for.
    pub right_label: Label,
    /// How fast the bar drifts back; in momentum.
    pub decay_speed: DecaySpeed,
    /// What moves the bar.
    pub mode: Mode,
    /// How far back votes count; in a share that does not count until reset.
    pub window_secs: WindowSecs,
    /// A share counts all votes since the last reset.
    pub until_reset: bool,
    /// In a share each viewer counts once, with their latest vote.
    pub one_vote_each: bool,
    /// What is drawn.
    pub shape: Shape,
    /// The background of the bar.
    pub theme: Theme,
    /// The colour of the side for.
    pub for_colour: Colour,
    /// The colour of the side against.
    pub against_colour: Colour,
    /// Where in the browser source the bar is.
    pub position: VerticalPosition,
    /// The side for is on the left.
    pub flipped: bool,
    /// The first trigger of each side is shown under its label.
    pub hint: bool,
    /// The number of votes is shown; in a share.
    pub counts: bool,
    /// Percentages are shown.
    pub percentages: bool,
    /// The marker is shown at the tip of the bar; in momentum.
    pub show_marker: bool,
    /// Moderators may use the `!pulse` commands.
    pub mod_commands: bool,
    /// Fields of a newer version. They are saved as they were read.
    #[serde(flatten)]
    pub unknown: Document,
}

impl Default for OverlaySettings {
    fn default() -> Self {
        Self {
            for_triggers: TriggerSet::of("yes"),
            against_triggers: TriggerSet::of("no"),
            matching: Matching::default(),
            left_label: Label::of("Against"),
            right_label: Label::of("For"),
            decay_speed: DecaySpeed::default(),
            mode: Mode::default(),
            window_secs: WindowSecs::default(),
            until_reset: false,
            one_vote_each: false,
            shape: Shape::default(),
            theme: Theme::default(),
            for_colour: Colour::from_rgb(0x35_c2ff),
            against_colour: Colour::from_rgb(0xff_b347),
            position: VerticalPosition::default(),
            flipped: false,
            hint: false,
            counts: false,
            percentages: false,
            show_marker: true,
            mod_commands: true,
            unknown: Document::new(),
        }
    }
}

impl OverlaySettings {
    /// Which side a line votes for, or neither.
    pub fn side_of(&self, text: &VoteText) -> Option<Side> {
        side_of(text, self.matching, &self.for_triggers, &self.against_triggers)
    }

    /// The triggers of one side.
    pub fn triggers(&self, side: Side) -> &TriggerSet {
        match side {
            Side::For => &self.for_triggers,
            Side::Against => &self.against_triggers,
        }
    }

    /// How far back a share looks.
    pub fn window(&self) -> Window {
        if self.until_reset { Window::UntilReset } else { Window::Last(self.window_secs) }
    }

    /// These settings with a share over this window.
    #[must_use]
    pub fn over(self, window: Window) -> Self {
        match window {
            Window::UntilReset => Self { until_reset: true, ..self },
            Window::Last(window_secs) => Self { until_reset: false, window_secs, ..self },
        }
    }
}

/// Settings as a store holds them. Reading one never fails: an invalid field reads as its default, so that it stops no
/// overlay.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Document")]
pub struct StoredSettings {
    /// What was stored, without the invalid fields.
    pub settings: OverlaySettings,
    /// Names of the fields that were invalid. The reader logs them.
    pub invalid: Vec<String>,
}

impl From<Document> for StoredSettings {
    fn from(mut document: Document) -> Self {
        if let Ok(settings) = read(document.clone()) {
            return Self { settings, invalid: Vec::new() };
        }
        // Each field is read alone: one that fails must not take others with it.
        let is_invalid = |(name, value): &(&String, &Value)| {
            read(Document::from([((*name).clone(), (*value).clone())])).is_err()
        };
        let invalid: Vec<String> = document.iter().filter(is_invalid).map(|(name, _)| name.clone()).collect();
        document.retain(|name, _| !invalid.contains(name));
        Self { settings: read(document).unwrap_or_default(), invalid }
    }
}

fn read(document: Document) -> Result<OverlaySettings, serde::de::value::Error> {
    OverlaySettings::deserialize(Value::Document(document))
}

/// What moderators changed from chat. It stays until somebody undoes it, whether or not an overlay is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PauseState {
    /// Votes from chat do not count.
    pub paused: bool,
    /// The overlay shows nothing.
    pub hidden: bool,
}

/// Rises with every write of the settings; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingsVersion(pub u64);

/// A stored row: settings, and what is kept beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionedSettings {
    /// What the streamer set.
    pub settings: OverlaySettings,
    /// Not the streamer's to set: saving leaves it alone.
    pub pause_state: PauseState,
    /// Which write it was.
    pub version: SettingsVersion,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(json: serde_json::Value) -> StoredSettings {
        serde_json::from_value(json).unwrap()
    }

    fn written(settings: &OverlaySettings) -> serde_json::Value {
        serde_json::to_value(settings).unwrap()
    }

    fn changed() -> OverlaySettings {
        OverlaySettings {
            for_triggers: TriggerSet::parse(["ja", "Ü \"quoted\""]).unwrap(),
            decay_speed: DecaySpeed::new(1.0 / 3.0).unwrap(),
            mode: Mode::Share,
            window_secs: WindowSecs::new(120).unwrap(),
            theme: Theme::Light,
            for_colour: "#123456".parse().unwrap(),
            hint: true,
            mod_commands: false,
            ..OverlaySettings::default()
        }
    }

    #[test]
    fn settings_come_back_as_they_were_written() {
        for settings in [OverlaySettings::default(), changed()] {
            let read = stored(written(&settings));
            assert_eq!(read, StoredSettings { settings, invalid: vec![] });
        }
    }

    #[test]
    fn a_missing_field_reads_as_its_default() {
        assert_eq!(stored(json!({})).settings, OverlaySettings::default());
        for (name, default) in written(&OverlaySettings::default()).as_object().unwrap() {
            let mut document = written(&changed());
            document.as_object_mut().unwrap().remove(name);
            let read = stored(document);
            assert_eq!(written(&read.settings)[name], *default, "{name}");
            assert_eq!(read.invalid, Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn an_invalid_field_reads_as_its_default_and_no_other_does() {
        let whole = written(&changed());
        for (name, default) in written(&OverlaySettings::default()).as_object().unwrap() {
            let mut document = whole.clone();
            document[name] = json!({ "of": ["another", "type"] });
            let read = stored(document);
            assert_eq!(read.invalid, [name.as_str()]);
            let mut expected = whole.clone();
            expected[name] = default.clone();
            assert_eq!(written(&read.settings), expected);
        }
    }

    #[test]
    fn what_no_newtype_can_hold_is_invalid() {
        let read = stored(json!({
            "for_triggers": [], "left_label": "", "decay_speed": 2.1, "mode": "tide", "window_secs": 4,
            "for_colour": "red", "position": "middle",
        }));
        let invalid = ["decay_speed", "for_colour", "for_triggers", "left_label", "mode", "window_secs"];
        assert_eq!(read.invalid, invalid);
        assert_eq!(read.settings, OverlaySettings::default());
    }

    #[test]
    fn a_field_of_a_newer_version_is_written_back() {
        let mut document = written(&changed());
        document["mood"] = json!({ "kind": "storm", "levels": [1, -2, 0.5, null] });
        document["theme"] = json!("neon");
        let read = stored(document.clone());
        assert_eq!(read.invalid, ["theme"]);
        let saved = OverlaySettings { hint: false, ..read.settings };
        document["theme"] = json!("dark");
        document["hint"] = json!(false);
        assert_eq!(written(&saved), document);
    }

    #[test]
    fn a_share_looks_back_over_its_window_or_until_reset() {
        let last = Window::Last(WindowSecs::new(120).unwrap());
        assert_eq!(changed().window(), last);
        let until_reset = changed().over(Window::UntilReset);
        assert_eq!(until_reset.window(), Window::UntilReset);
        assert_eq!(until_reset.over(last), changed());
    }

    #[test]
    fn each_side_has_its_triggers() {
        let settings = OverlaySettings::default();
        assert_ne!(settings.for_triggers, settings.against_triggers);
        assert_eq!(settings.triggers(Side::For), &settings.for_triggers);
        assert_eq!(settings.triggers(Side::Against), &settings.against_triggers);
    }
}
