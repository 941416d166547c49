//! Characters that no text of a streamer may hold, because they show nothing and change what others show.

/// A character that labels and triggers may not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedCharacter {
    /// No keyboard types one into a form, and databases cannot hold all of them.
    #[error("this holds an invisible control character (U+{:04X}); delete it", u32::from(*.0))]
    Control(char),
    /// Turns the text after it around, on the stream as well.
    #[error("this holds an invisible character that turns text around (U+{:04X}); delete it", u32::from(*.0))]
    Override(char),
}

/// Refuses control characters (category Cc) and the overrides U+202D and U+202E of the bidirectional algorithm. Marks and
/// isolates stay: right-to-left text needs them.
pub(crate) fn refuse_characters(text: &str) -> Result<(), RefusedCharacter> {
    text.chars().try_for_each(|c| match c {
        '\u{202D}' | '\u{202E}' => Err(RefusedCharacter::Override(c)),
        c if c.is_control() => Err(RefusedCharacter::Control(c)),
        _ => Ok(()),
    })
}
