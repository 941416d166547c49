//! A trigger: one word, emote or phrase that counts as a vote.

use crate::fold::{fold, is_emoji};
use crate::normalize::{Normalized, normalize};
use crate::typed::{RefusedCharacter, refuse_characters};

/// One word, emote or phrase that counts as a vote. Keeps what the streamer typed, to show it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    typed: String,
    normalized: Normalized,
    /// As forgiving matching compares it; empty if that leaves nothing, and then only the trigger itself matches.
    folded: String,
    is_emoji: bool,
}

impl Trigger {
    /// Longest trigger, in Unicode scalar values after trimming.
    pub const CHARS_MAX: usize = 500;

    /// Trims and checks what was typed. `None` if nothing visible was typed.
    pub fn parse(typed: &str) -> Result<Option<Self>, InvalidTrigger> {
        let typed = typed.trim();
        refuse_characters(typed)?;
        let trigger = Self::of(typed);
        let chars = typed.chars().count();
        let normalized = trigger.normalized.as_str();
        if normalized.is_empty() {
            Ok(None)
        } else if chars > Self::CHARS_MAX {
            Err(InvalidTrigger::TooLong { chars })
        } else if normalized.split(' ').next() == Some(crate::command::CALL) {
            Err(InvalidTrigger::ModeratorCommand)
        } else if normalized.starts_with('/') {
            Err(InvalidTrigger::TwitchCommand)
        } else {
            Ok(Some(trigger))
        }
    }

    /// One that is known to be valid.
    pub(crate) fn of(typed: &str) -> Self {
        let normalized = normalize(typed);
        let folded = fold(&normalized).into_owned();
        Self { typed: typed.to_owned(), is_emoji: is_emoji(&folded), normalized, folded }
    }

    /// What the streamer typed, trimmed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// What a line has to equal.
    pub fn normalized(&self) -> &Normalized {
        &self.normalized
    }

    /// What forgiving matching looks for; `None` if nothing is left to look for.
    pub(crate) fn folded(&self) -> Option<&str> {
        (!self.folded.is_empty()).then_some(&self.folded)
    }

    /// Whether it is nothing but emoji, which stand side by side without a space.
    pub(crate) fn is_emoji(&self) -> bool {
        self.is_emoji
    }
}

/// Why a text is not a [`Trigger`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrigger {
    /// Over the limit.
    #[error("a trigger is at most {} characters long, one has {chars}", Trigger::CHARS_MAX)]
    TooLong {
        /// How many Unicode scalar values it has.
        chars: usize,
    },
    /// A character that no trigger may hold.
    #[error(transparent)]
    Character(#[from] RefusedCharacter),
    /// A `!pulse` command never counts as a vote.
    #[error(
        "lines that start with !pulse are moderators’ commands and never count as votes; choose another word"
    )]
    ModeratorCommand,
    /// Twitch takes lines that start with a slash as commands and sends them to nobody.
    #[error("Twitch takes lines that start with / as commands and never shows them in chat; leave the / out")]
    TwitchCommand,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_be_typed_as_a_vote_is_refused() {
        for command in ["!pulse", "!pulse reset", " ！PULSE  dance", "!pulse\u{200B} hide"] {
            assert_eq!(Trigger::parse(command), Err(InvalidTrigger::ModeratorCommand), "{command}");
        }
        for command in ["/yes", "/", " /me yes", "\u{2060}/yes", "／yes"] {
            assert_eq!(Trigger::parse(command), Err(InvalidTrigger::TwitchCommand), "{command}");
        }
        for fine in ["!pulses", "!vote", "pulse", "a/b", "!", ":/", "1/2"] {
            assert!(matches!(Trigger::parse(fine), Ok(Some(_))), "{fine}");
        }
    }

    #[test]
    fn control_characters_and_overrides_are_refused_by_name() {
        for (typed, said) in
            [("a\0b", "U+0000"), ("a\tb", "U+0009"), ("\u{202E}yes", "U+202E"), ("a\u{7F}", "U+007F")]
        {
            let error = Trigger::parse(typed).unwrap_err().to_string();
            assert!(error.contains(said), "{typed:?}: {error}");
        }
        assert!(
            matches!(Trigger::parse("\t نعم\u{200F}\n"), Ok(Some(_))),
            "white space around it is trimmed"
        );
    }

    #[test]
    fn a_trigger_of_nothing_visible_is_a_blank_row() {
        for blank in ["", "  ", "\u{2060}", "\u{3164}", "\u{200D} \u{FE0F}", "\u{2800}"] {
            assert_eq!(Trigger::parse(blank), Ok(None), "{blank:?}");
        }
    }

    #[test]
    fn only_what_is_nothing_but_emoji_needs_no_space() {
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "1️⃣",
            "#⃣",
            "🇩🇪",
            "👨‍👩‍👧",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        ] {
            assert!(Trigger::of(emoji).is_emoji(), "{emoji}");
        }
        for word in ["1", "yes👍", "PogChamp", "#", ":)", "네"] {
            assert!(!Trigger::of(word).is_emoji(), "{word}");
        }
    }
}
