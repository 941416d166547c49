//! What a streamer can set about an overlay. Settings that exist are valid: every field is a type that
//! cannot hold anything else, so nothing after the form checks again.

use crate::look::{Look, MeasureKind};
use crate::sentiment::DecaySpeed;
use crate::trigger::Triggers;
use crate::window::Window;

/// A label beside the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Longest label, in Unicode scalar values after trimming.
    pub const CHARS_MAX: usize = 50;

    /// Trims, then wants 1 to [`Label::CHARS_MAX`] characters.
    pub fn parse(typed: &str) -> Result<Self, InvalidLabel> {
        let typed = typed.trim();
        match typed.chars().count() {
            0 => Err(InvalidLabel::Empty),
            1..=Self::CHARS_MAX => Ok(Self(typed.to_owned())),
            chars => Err(InvalidLabel::TooLong { chars }),
        }
    }

    /// As typed, trimmed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Label`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// Nothing but white space.
    #[error("a label has at least one character")]
    Empty,
    /// Over the limit.
    #[error("a label is at most {} characters long, this one has {chars}", Label::CHARS_MAX)]
    TooLong {
        /// How many Unicode scalar values it has.
        chars: usize,
    },
}

/// The two ends of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Where votes against pull to.
    pub left: Label,
    /// Where votes for pull to.
    pub right: Label,
}

impl Default for Labels {
    fn default() -> Self {
        Self { left: Label("Against".into()), right: Label("For".into()) }
    }
}

/// What moves the bar. Of the two kinds one counts; what was set for the other is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Which of the two.
    pub kind: MeasureKind,
    /// How far back a share looks.
    pub window: Window,
    /// In a share each viewer counts once, with their latest vote.
    pub one_vote_each: bool,
}

/// What moderators did from chat. It stays until they undo it, whether or not an overlay is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stage {
    /// Votes from chat do not count.
    pub paused: bool,
    /// Nothing is shown.
    pub hidden: bool,
}

/// Everything a streamer has set.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlaySettings {
    /// What counts as a vote.
    pub triggers: Triggers,
    /// What the ends are called.
    pub labels: Labels,
    /// How fast the bar drifts back.
    pub decay: DecaySpeed,
    /// What moves it at all.
    pub measure: Measure,
    /// How it looks.
    pub look: Look,
    /// Whether moderators may change the stage.
    pub mod_commands: bool,
    /// Not the streamer's to set: saving leaves it alone.
    pub stage: Stage,
}

impl Default for OverlaySettings {
    fn default() -> Self {
        Self {
            triggers: Triggers::default(),
            labels: Labels::default(),
            decay: DecaySpeed::default(),
            measure: Measure::default(),
            look: Look::default(),
            mod_commands: true,
            stage: Stage::default(),
        }
    }
}

/// Rises with every write of the settings; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingsVersion(pub u64);

/// Settings with the version they were read at.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionedSettings {
    /// What the streamer set.
    pub settings: OverlaySettings,
    /// Which write it was.
    pub version: SettingsVersion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_counted_in_characters_after_trimming() {
        assert_eq!(Label::parse("  Do it!  ").unwrap().as_str(), "Do it!");
        assert_eq!(Label::parse(" \t "), Err(InvalidLabel::Empty));
        assert!(Label::parse(&"ü".repeat(50)).is_ok());
        assert_eq!(Label::parse(&"ü".repeat(51)), Err(InvalidLabel::TooLong { chars: 51 }));
    }
}
