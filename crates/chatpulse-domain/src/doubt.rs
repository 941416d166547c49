//! Triggers that are valid, but that nobody may ever type: what was meant instead.

use crate::fold::is_emoji;
use crate::trigger::Trigger;

/// What a streamer may have meant. The trigger is saved all the same; the page asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// Several triggers in one row: `ja, jep`.
    Several(Vec<String>),
    /// An emote as other chats spell it: `:PogChamp:`.
    Colons(String),
    /// A word in quotation marks.
    Quotes(String),
}

/// Commas and slashes, as keyboards of several scripts have them.
const SEPARATORS: [char; 6] = [',', '/', '，', '／', '、', '،'];

/// Quotation marks that stand at both ends. Normalisation makes most of them one.
const QUOTES: [char; 2] = ['"', '\''];

impl Trigger {
    /// What was meant, if it is likely that something else was.
    pub fn doubt(&self) -> Option<Doubt> {
        let normalized = self.normalized().as_str();
        let inside = self.without_ends();
        if normalized.len() > 2 && normalized.starts_with(':') && normalized.ends_with(':') {
            let is_name = inside.chars().all(|c| c.is_alphanumeric() || c == '_');
            return is_name.then_some(Doubt::Colons(inside));
        }
        let is_quoted = |mark| normalized.starts_with(mark) && normalized.ends_with(mark);
        if QUOTES.into_iter().any(is_quoted) && is_word(&inside) {
            return Some(Doubt::Quotes(inside));
        }
        let parts = self.typed().split(SEPARATORS).map(str::trim).filter(|part| !part.is_empty());
        let parts: Vec<String> = parts.map(str::to_owned).collect();
        (parts.len() > 1 && parts.iter().all(|part| is_word(part))).then_some(Doubt::Several(parts))
    }

    /// What was typed, without its first and last character.
    fn without_ends(&self) -> String {
        let mut chars = self.typed().chars();
        chars.next();
        chars.next_back();
        chars.as_str().trim().to_owned()
    }
}

/// Whether somebody might vote with it: it has a letter, a digit or an emoji.
fn is_word(text: &str) -> bool {
    text.chars().any(|c| c.is_alphanumeric() || (!c.is_ascii() && is_emoji(c.encode_utf8(&mut [0; 4]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(typed: &str) -> Option<Doubt> {
        Trigger::of(typed).doubt()
    }

    #[test]
    fn several_words_in_one_row_are_noticed() {
        for (typed, words) in [
            ("ja, jep", ["ja", "jep"]),
            ("yes/yeah", ["yes", "yeah"]),
            ("はい、うん", ["はい", "うん"]),
            ("نعم، أجل", ["نعم", "أجل"]),
            ("👍, 👏", ["👍", "👏"]),
            ("yes , team red,", ["yes", "team red"]),
        ] {
            assert_eq!(doubt(typed), Some(Doubt::Several(words.map(str::to_owned).to_vec())), "{typed}");
        }
    }

    #[test]
    fn colons_and_quotes_around_a_word_are_noticed() {
        assert_eq!(doubt(":PogChamp:"), Some(Doubt::Colons("PogChamp".to_owned())));
        for quoted in ["\"yes\"", "'yes'", "“yes”", "„yes“", "«yes»", "`yes`", "’yes’"] {
            assert_eq!(doubt(quoted), Some(Doubt::Quotes("yes".to_owned())), "{quoted}");
        }
    }

    #[test]
    fn what_people_do_type_is_no_doubt() {
        for fine in [
            "yes", "team red", ":/", ":)", ":D", "</3", "don't", "/", ",", "yes,", "::", ":a b:", "\"", "''",
            "1:2",
        ] {
            assert_eq!(doubt(fine), None, "{fine}");
        }
    }
}
