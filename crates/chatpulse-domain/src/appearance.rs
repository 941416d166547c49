//! How an overlay looks: shape, theme, position and colours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::choice::choice;

choice! {
    /// What is drawn.
    Shape {
        /// One bar between two ends.
        #[default]
        Bar = "bar",
        /// A bar for each side.
        TwoBars = "two_bars",
    }
}

choice! {
    /// The background of the bar.
    Theme {
        /// Dark glass.
        #[default]
        Dark = "dark",
        /// Light glass.
        Light = "light",
        /// No background.
        Transparent = "transparent",
    }
}

choice! {
    /// Where the bar is in a browser source that is higher than the bar.
    VerticalPosition {
        /// At the upper edge.
        Top = "top",
        /// In the middle.
        #[default]
        Middle = "middle",
        /// At the lower edge.
        Bottom = "bottom",
    }
}

/// A colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(u32);

impl Colour {
    /// From the number that six hexadecimal digits make.
    pub(crate) const fn from_rgb(rgb: u32) -> Self {
        Self(rgb & 0xff_ffff)
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;

    /// Takes a `#` and six hexadecimal digits of either case, with white space around them.
    fn from_str(typed: &str) -> Result<Self, InvalidColour> {
        let digits = typed.trim().strip_prefix('#').ok_or(InvalidColour)?;
        let is_plain = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).map_err(|_| InvalidColour)?;
        if is_plain { Ok(Self(value)) } else { Err(InvalidColour) }
    }
}

impl TryFrom<String> for Colour {
    type Error = InvalidColour;

    fn try_from(text: String) -> Result<Self, InvalidColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::UnknownWord;

    #[test]
    fn a_colour_is_a_hash_and_six_digits() {
        assert_eq!(" #FFb347 ".parse::<Colour>().unwrap().to_string(), "#ffb347");
        for bad in ["", "#", "ffb347", "#ffb34", "#ffb3477", "#+fb347", "#gggggg", "red", "#ffb347;}"] {
            assert_eq!(bad.parse::<Colour>(), Err(InvalidColour), "{bad}");
        }
    }

    #[test]
    fn a_colour_has_24_bits() {
        assert_eq!(Colour::from_rgb(0x35_c2ff).to_string(), "#35c2ff");
        assert_eq!(Colour::from_rgb(0xff00_00a1).to_string(), "#0000a1");
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
