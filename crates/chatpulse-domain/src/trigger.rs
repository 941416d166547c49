//! What counts as a vote: a line whose normalised text equals a trigger.
//!
//! Start with [`normalize`]; `docs/reference/matching.md` specifies it step by step.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use serde::{Deserialize, Serialize};

/// Text after [`normalize`]. Texts that look the same to a viewer are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Normalized(String);

impl Normalized {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing visible is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Removes the characters that chat clients add to pass Twitch's duplicate check, folds compatibility forms and case,
/// collapses white space and trims both ends.
pub fn normalize(text: &str) -> Normalized {
    if is_plain(text) {
        return Normalized(collapse_white_space(&text.to_ascii_lowercase()));
    }
    let visible: String = text.chars().filter(|&c| !is_dropped_anywhere(c)).collect();
    let nfkc = ComposingNormalizer::new_nfkc();
    let composed = nfkc.normalize(&visible);
    let folded = CaseMapper::new().fold_string(&composed).into_owned();
    let composed = nfkc.normalize(&folded);
    let collapsed = collapse_white_space(&composed);
    let trimmed = collapsed.trim_matches(|c: char| c.is_whitespace() || is_trimmed_at_ends(c));
    Normalized(trimmed.to_owned())
}

/// Whether the text is printable ASCII, as most of chat is. Only case and spaces change in such a text.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn is_dropped_anywhere(c: char) -> bool {
    matches!(c, '\u{034F}' | '\u{2060}' | '\u{206D}' | '\u{2800}' | '\u{FEFF}')
}

/// Joiners and selectors: they belong inside emoji, and mean nothing at the ends.
fn is_trimmed_at_ends(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200D}' | '\u{FE0F}' | '\u{E0000}'..='\u{E007F}')
}

/// Replaces each run of white space with one space, and trims both ends.
fn collapse_white_space(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

/// One word, emote or phrase that counts as a vote. Keeps what the streamer typed, to show it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    typed: String,
    normalized: Normalized,
}

impl Trigger {
    /// Longest trigger, in Unicode scalar values after trimming.
    pub const CHARS_MAX: usize = 500;

    /// Trims and checks what was typed. `None` if nothing visible was typed.
    pub fn parse(typed: &str) -> Result<Option<Self>, InvalidTrigger> {
        let typed = typed.trim();
        if typed.contains('\0') {
            return Err(InvalidTrigger::NotStorable);
        }
        let normalized = normalize(typed);
        if normalized.is_empty() {
            return Ok(None);
        }
        let chars = typed.chars().count();
        if chars > Self::CHARS_MAX {
            return Err(InvalidTrigger::TooLong { chars });
        }
        Ok(Some(Self { typed: typed.to_owned(), normalized }))
    }

    /// What the streamer typed, trimmed.
    pub fn typed(&self) -> &str {
        &self.typed
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
    /// Databases cannot hold a NUL character, and no keyboard types one.
    #[error("this holds a character that cannot be stored")]
    NotStorable,
}

/// Why rows are not a [`TriggerSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTriggers {
    /// One row is not a trigger.
    #[error(transparent)]
    Row(#[from] InvalidTrigger),
    /// More than [`TriggerSet::MAX`] without blank rows and repeats.
    #[error("up to {} triggers a side, these are {count}", TriggerSet::MAX)]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// No row had anything visible.
    #[error("add at least one word that counts as a vote")]
    None,
}

/// The triggers of one side: one to [`TriggerSet::MAX`] different ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct TriggerSet(Vec<Trigger>);

impl TriggerSet {
    /// Most triggers on one side.
    pub const MAX: usize = 20;

    /// Parses the rows of a form. Blank rows and repeats are dropped before the rows are counted.
    pub fn parse<'a>(rows: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidTriggers> {
        let mut triggers: Vec<Trigger> = Vec::new();
        for row in rows {
            let Some(trigger) = Trigger::parse(row)? else {
                continue;
            };
            if !triggers.iter().any(|known| known.normalized == trigger.normalized) {
                triggers.push(trigger);
            }
        }
        match triggers.len() {
            0 => Err(InvalidTriggers::None),
            1..=Self::MAX => Ok(Self(triggers)),
            count => Err(InvalidTriggers::TooMany { count }),
        }
    }

    /// The triggers as typed, in their order.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Trigger::typed)
    }

    /// The first trigger here that the other side has too (compared as normalised), as it was typed here.
    pub fn shared_with(&self, other: &Self) -> Option<&str> {
        self.0.iter().find(|trigger| other.contains(&trigger.normalized)).map(Trigger::typed)
    }

    /// Whether this text is one of the triggers.
    pub fn contains(&self, text: &Normalized) -> bool {
        self.0.iter().any(|trigger| trigger.normalized == *text)
    }

    /// The one trigger of a default.
    pub(crate) fn of(word: &'static str) -> Self {
        Self(vec![Trigger { typed: word.to_owned(), normalized: normalize(word) }])
    }
}

impl TryFrom<Vec<String>> for TriggerSet {
    type Error = InvalidTriggers;

    fn try_from(rows: Vec<String>) -> Result<Self, InvalidTriggers> {
        Self::parse(rows.iter().map(String::as_str))
    }
}

impl From<TriggerSet> for Vec<String> {
    fn from(triggers: TriggerSet) -> Self {
        triggers.0.into_iter().map(|trigger| trigger.typed).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalized(text: &str) -> String {
        normalize(text).as_str().to_owned()
    }

    /// Planes 4 to 13 have no characters yet, 15 and 16 are private: no step knows anything about them.
    #[test]
    fn every_character_is_normalized_once_and_for_all() {
        for c in ('\0'..='\u{3FFFF}').chain('\u{E0000}'..='\u{EFFFF}') {
            let once = normalize(&format!(" {c}a{c}\u{301} {c}"));
            assert_eq!(normalize(once.as_str()), once, "{c:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn normalizing_twice_changes_nothing(text in any::<String>()) {
            let once = normalize(&text);
            prop_assert_eq!(normalize(once.as_str()), once);
        }

        #[test]
        fn the_plain_path_agrees_with_the_full_one(text in "[ -~]{0,40}") {
            let padded = format!("{text}\u{2060}");
            prop_assert_eq!(normalize(&text), normalize(&padded));
        }

        #[test]
        fn padding_never_changes_a_vote(text in "[a-zA-Z0-9!]{1,20}", pad in "[ \u{34F}\u{E0000}\u{200B}\u{FE0F}\u{2800}\u{206D}]{0,6}") {
            prop_assert_eq!(normalize(&format!("{pad}{text}{pad}")), normalize(&text));
        }
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (typed, expected) in [
            ("YES", "yes"),
            ("yes \u{E0000}", "yes"),
            ("yes \u{34F}", "yes"),
            ("  y  e\ts ", "y e s"),
            ("ｙｅｓ", "yes"),
            ("Straße", "strasse"),
            ("e\u{301}", "é"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("\u{200B} yes \u{FE0F}\u{200D}", "yes"),
            ("\u{FEFF}yes", "yes"),
        ] {
            assert_eq!(normalized(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn an_emoji_keeps_its_joiners_inside() {
        let family = "👨\u{200D}👩\u{200D}👧";
        assert_eq!(normalized(family), family);
    }

    #[test]
    fn blank_rows_and_repeats_are_dropped_before_counting() {
        let many: Vec<String> = (0..20).map(|n| format!("word{n}")).collect();
        let mut rows: Vec<&str> = many.iter().map(String::as_str).collect();
        rows.extend(["", "  ", "\u{2060}", "WORD1", "word1 "]);
        assert_eq!(TriggerSet::parse(rows.iter().copied()).unwrap().typed().count(), 20);
        rows.push("one more");
        assert_eq!(TriggerSet::parse(rows), Err(InvalidTriggers::TooMany { count: 21 }));
    }

    #[test]
    fn a_side_needs_one_trigger_of_a_sane_length() {
        assert_eq!(TriggerSet::parse(["", " "]), Err(InvalidTriggers::None));
        let long = "ü".repeat(500);
        assert!(TriggerSet::parse([format!(" {long} ").as_str()]).is_ok());
        let longer = "ü".repeat(501);
        assert!(matches!(
            TriggerSet::parse([longer.as_str()]),
            Err(InvalidTriggers::Row(InvalidTrigger::TooLong { chars: 501 }))
        ));
    }

    #[test]
    fn a_trigger_that_both_sides_have_is_found() {
        let in_favor = TriggerSet::parse(["ss"]).unwrap();
        let against = TriggerSet::parse(["no", "ß"]).unwrap();
        assert_eq!(against.shared_with(&in_favor), Some("ß"));
        assert_eq!(TriggerSet::of("no").shared_with(&in_favor), None);
    }

    #[test]
    fn a_trigger_holds_no_nul_character() {
        let refused = TriggerSet::parse(["yes", "a\0b"]);
        assert_eq!(refused, Err(InvalidTriggers::Row(InvalidTrigger::NotStorable)));
    }
}
