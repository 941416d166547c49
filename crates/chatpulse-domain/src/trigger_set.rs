//! The triggers of one side.

use serde::{Deserialize, Serialize};

use crate::fold::first_of;
use crate::normalize::Normalized;
use crate::trigger::{InvalidTrigger, Trigger};

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
pub struct TriggerSet {
    triggers: Vec<Trigger>,
    /// With which letters a vote for this side can start, without accents.
    first_letters: Vec<char>,
}

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
            if !triggers.iter().any(|known| known.normalized() == trigger.normalized()) {
                triggers.push(trigger);
            }
        }
        match triggers.len() {
            0 => Err(InvalidTriggers::None),
            1..=Self::MAX => Ok(Self::from_valid(triggers)),
            count => Err(InvalidTriggers::TooMany { count }),
        }
    }

    fn from_valid(triggers: Vec<Trigger>) -> Self {
        let first = |trigger: &Trigger| trigger.folded()?.chars().next().map(first_of);
        let mut first_letters: Vec<char> = triggers.iter().filter_map(first).collect();
        first_letters.sort_unstable();
        first_letters.dedup();
        Self { triggers, first_letters }
    }

    /// The triggers, in the streamer's order.
    pub fn iter(&self) -> impl Iterator<Item = &Trigger> {
        self.triggers.iter()
    }

    /// The triggers as typed, in their order.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        self.iter().map(Trigger::typed)
    }

    /// The first trigger here that the other side has too (compared as normalised), as it was typed here.
    pub fn shared_with(&self, other: &Self) -> Option<&str> {
        self.iter().find(|trigger| other.contains(trigger.normalized())).map(Trigger::typed)
    }

    /// Whether this text is one of the triggers.
    pub fn contains(&self, text: &Normalized) -> bool {
        self.iter().any(|trigger| trigger.normalized() == text)
    }

    /// Whether a trigger starts with this letter, accents left out.
    pub(crate) fn starts_with(&self, letter: char) -> bool {
        self.first_letters.contains(&letter)
    }

    /// The one trigger of a default.
    pub(crate) fn of(word: &'static str) -> Self {
        Self::from_valid(vec![Trigger::of(word)])
    }
}

impl TryFrom<Vec<String>> for TriggerSet {
    type Error = InvalidTriggers;

    fn try_from(rows: Vec<String>) -> Result<Self, InvalidTriggers> {
        Self::parse(rows.iter().map(String::as_str))
    }
}

impl From<TriggerSet> for Vec<String> {
    fn from(set: TriggerSet) -> Self {
        set.typed().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// The first letter is looked up without its marks, in every script.
    #[test]
    fn a_set_knows_with_which_letters_its_triggers_start() {
        let set = TriggerSet::parse(["óchi", "네", "👍🏽", "#1"]).unwrap();
        for (letter, is_first) in
            [('o', true), ('ᄂ', true), ('👍', true), ('#', true), ('1', false), ('c', false)]
        {
            assert_eq!(set.starts_with(letter), is_first, "{letter}");
        }
    }
}
