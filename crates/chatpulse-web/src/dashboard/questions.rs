//! Questions about triggers that are saved as typed, but that nobody may ever type.

use chatpulse_domain::doubt::Doubt;
use chatpulse_domain::trigger::Trigger;
use serde::Serialize;

/// One question, with what to put in the trigger's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Question {
    /// As it was typed.
    pub(super) trigger: String,
    /// The question.
    pub(super) words: String,
    /// On the button that takes the advice; it needs script.
    pub(super) offer: String,
    /// The triggers that may have been meant.
    pub(super) instead: Vec<String>,
}

/// The questions about the rows of one side.
pub(super) fn about<'a>(rows: impl IntoIterator<Item = &'a str>) -> Vec<Question> {
    rows.into_iter()
        .filter_map(|row| Trigger::parse(row).ok()?)
        .filter_map(|trigger| question(&trigger))
        .collect()
}

fn question(trigger: &Trigger) -> Option<Question> {
    let typed = trigger.typed();
    let (words, instead) = match trigger.doubt()? {
        Doubt::Several(parts) => (
            format!(
                "“{typed}” is one trigger: it counts only when somebody types all of it. Did you mean several?"
            ),
            parts,
        ),
        Doubt::Colons(name) => (
            format!(
                "“{typed}” counts only with its colons, and on Twitch an emote is typed without. Did you mean it without?"
            ),
            vec![name],
        ),
        Doubt::Quotes(word) => {
            (format!("“{typed}” counts only with its quotation marks. Did you mean it without?"), vec![word])
        }
    };
    let offer = format!("Use {}", instead.join(" and "));
    Some(Question { trigger: typed.to_owned(), words, offer, instead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_triggers_in_doubt_are_asked_about() {
        let asked = about(["yes", "ja, jep", " ", ":PogChamp:", "a\0b", "\"ok\""]);
        let triggers: Vec<&str> = asked.iter().map(|question| question.trigger.as_str()).collect();
        assert_eq!(triggers, ["ja, jep", ":PogChamp:", "\"ok\""]);
        assert_eq!(asked[0].instead, ["ja", "jep"]);
        assert_eq!(asked[0].offer, "Use ja and jep");
    }
}
