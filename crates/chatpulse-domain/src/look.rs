//! How an overlay looks: shape, theme, colours, what is written beside the bar and where it stands.

use std::fmt;
use std::str::FromStr;

/// A choice among words, the same in forms, JSON and databases.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them, in the order in which they are offered.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word).ok_or(UnknownWord)
            }
        }
    };
}

/// None of the words that are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of the words that are known here")]
pub struct UnknownWord;

words! {
    /// What moves.
    MeasureKind {
        /// Votes push the bar, time pulls it back.
        #[default]
        Momentum = "momentum",
        /// The share of votes for and against in a window.
        Share = "share",
    }
}

words! {
    /// What is drawn.
    Shape {
        /// One bar between two ends.
        #[default]
        Bar = "bar",
        /// A bar for each side.
        TwoBars = "two_bars",
    }
}

words! {
    /// What it stands on.
    Theme {
        /// Dark glass.
        #[default]
        Dark = "dark",
        /// Light glass.
        Light = "light",
        /// No glass.
        Transparent = "transparent",
    }
}

words! {
    /// Where in the browser source it stands.
    Position {
        /// At its upper edge.
        Top = "top",
        /// In its middle.
        #[default]
        Middle = "middle",
        /// At its lower edge.
        Bottom = "bottom",
    }
}

/// A colour as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour(u32);

impl FromStr for Colour {
    type Err = InvalidColour;

    /// A `#` and six hexadecimal digits of either case; blanks round it are fine.
    fn from_str(typed: &str) -> Result<Self, InvalidColour> {
        let digits = typed.trim().strip_prefix('#').ok_or(InvalidColour)?;
        let is_plain = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).map_err(|_| InvalidColour)?;
        if is_plain { Ok(Self(value)) } else { Err(InvalidColour) }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

/// Not `#` and six hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written like #35c2ff")]
pub struct InvalidColour;

/// Everything about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a streamer ticks")]
pub struct Look {
    /// What is drawn.
    pub shape: Shape,
    /// What it stands on.
    pub theme: Theme,
    /// Of the side for.
    pub for_colour: Colour,
    /// Of the side against.
    pub against_colour: Colour,
    /// Where it stands.
    pub position: Position,
    /// The side for stands left.
    pub flipped: bool,
    /// What to type stands under each label.
    pub hint: bool,
    /// The number of votes stands beside each label.
    pub counts: bool,
    /// Percentages are shown.
    pub percentages: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            theme: Theme::default(),
            for_colour: Colour(0x35_c2ff),
            against_colour: Colour(0xff_b347),
            position: Position::default(),
            flipped: false,
            hint: false,
            counts: false,
            percentages: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_a_hash_and_six_digits() {
        assert_eq!(" #FFb347 ".parse::<Colour>().unwrap().to_string(), "#ffb347");
        for bad in ["", "#", "ffb347", "#ffb34", "#ffb3477", "#+fb347", "#gggggg", "red", "#ffb347;}"] {
            assert_eq!(bad.parse::<Colour>(), Err(InvalidColour), "{bad}");
        }
    }

    #[test]
    fn every_word_finds_its_choice_and_no_other_does() {
        for theme in Theme::ALL {
            assert_eq!(theme.as_str().parse(), Ok(*theme));
        }
        assert_eq!("Dark".parse::<Theme>(), Err(UnknownWord));
        assert_eq!(Shape::default().as_str(), "bar");
    }
}
