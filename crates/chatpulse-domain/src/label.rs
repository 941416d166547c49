//! The words at the ends of the bar.

use serde::{Deserialize, Serialize};

use crate::typed::{RefusedCharacter, refuse_characters};

/// A label at one end of the bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Longest label, in Unicode scalar values after trimming.
    pub const CHARS_MAX: usize = 50;

    /// Trims, then wants 1 to [`Label::CHARS_MAX`] characters.
    pub fn parse(typed: &str) -> Result<Self, InvalidLabel> {
        let typed = typed.trim();
        refuse_characters(typed)?;
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

    /// One that is known to be valid: defaults only.
    pub(crate) fn of(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidLabel;

    fn try_from(text: String) -> Result<Self, InvalidLabel> {
        Self::parse(&text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
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
    /// A character that no label may hold.
    #[error(transparent)]
    Character(#[from] RefusedCharacter),
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

    #[test]
    fn a_label_holds_no_control_character_and_no_override() {
        for c in ['\0', '\t', '\n', '\u{1}', '\u{7F}', '\u{85}'] {
            assert_eq!(Label::parse(&format!("a{c}b")), Err(RefusedCharacter::Control(c).into()));
        }
        for c in ['\u{202D}', '\u{202E}'] {
            assert_eq!(Label::parse(&format!("{c}a")), Err(RefusedCharacter::Override(c).into()));
        }
        for right_to_left in ["نعم\u{200F}", "\u{2067}כן\u{2069}", "👨\u{200D}👩"] {
            assert!(Label::parse(right_to_left).is_ok(), "{right_to_left}");
        }
    }
}
