//! Which side a line of chat votes for.
//!
//! A line that equals a trigger votes for its side. Forgiving matching looks once more at a line that equals none: it
//! still has to be nothing but a vote. `docs/reference/matching.md` is the specification.

use crate::choice::choice;
use crate::fold::{first_of, fold, is_skin_tone};
use crate::message::VoteText;
use crate::normalize::Normalized;
use crate::side::Side;
use crate::trigger::Trigger;
use crate::trigger_set::TriggerSet;

choice! {
    /// How exactly a line has to be a trigger.
    Matching {
        /// `yes!!`, `@Streamer yes` and `yes yes yes` are votes too.
        #[default]
        Forgiving = "forgiving",
        /// Only the trigger itself.
        Exact = "exact",
    }
}

/// What may stand before a trigger, as in `#1` or `"yes"`.
const BEFORE: [char; 4] = ['#', '"', '(', ' '];

/// What may stand after a trigger, as in `yes!!` or `1)`.
const AFTER: [char; 6] = ['!', '.', ')', '"', ',', ' '];

/// The first word of a vote in chats that are used to other bots.
const VOTE_CALL: &str = "!vote ";

/// Which side a line votes for; `None` when it is just chat. What fits both sides could mean either, so it votes for
/// neither.
pub(crate) fn side_of(
    text: &VoteText,
    matching: Matching,
    for_triggers: &TriggerSet,
    against_triggers: &TriggerSet,
) -> Option<Side> {
    match (for_triggers.contains(&text.line), against_triggers.contains(&text.line)) {
        (false, false) if matching == Matching::Forgiving => {
            let fits = |triggers| text.readings().any(|reading| fits(triggers, reading));
            one_of(fits(for_triggers), fits(against_triggers))
        }
        (votes_for, votes_against) => one_of(votes_for, votes_against),
    }
}

fn one_of(votes_for: bool, votes_against: bool) -> Option<Side> {
    match (votes_for, votes_against) {
        (true, false) => Some(Side::For),
        (false, true) => Some(Side::Against),
        _ => None,
    }
}

/// Whether a text is nothing but triggers of this set, once what forgiving matching overlooks is gone.
fn fits(triggers: &TriggerSet, text: &Normalized) -> bool {
    // Nearly every line of chat ends here.
    if !may_fit(triggers, text.as_str()) {
        return false;
    }
    let folded = fold(text);
    let mut is_called = false;
    let mut rest = Some(folded.as_ref());
    while let Some(text) = rest {
        if is_nothing_but(triggers, text) {
            return true;
        }
        rest = match text.strip_prefix(VOTE_CALL) {
            Some(rest) if !is_called => {
                is_called = true;
                Some(rest)
            }
            _ => without_mention(text),
        };
    }
    false
}

/// Whether a text starts like a vote: with the first letter of a trigger, a mention or `!vote`.
fn may_fit(triggers: &TriggerSet, text: &str) -> bool {
    let opens = |c: char| is_skin_tone(c) || triggers.starts_with(first_of(c));
    let after_marks = text.trim_start_matches(BEFORE);
    let marks = &text[..text.len() - after_marks.len()];
    text.starts_with('@')
        || text.starts_with(VOTE_CALL)
        || after_marks.chars().next().is_some_and(opens)
        || marks.chars().any(opens)
}

/// `@Name yes` becomes `yes`.
fn without_mention(text: &str) -> Option<&str> {
    let (name, rest) = text.strip_prefix('@')?.split_once(' ')?;
    (!name.is_empty()).then_some(rest)
}

/// Whether a folded text is one or more triggers, each with its marks, and nothing else. Words stand apart by a space;
/// emoji need none.
fn is_nothing_but(triggers: &TriggerSet, text: &str) -> bool {
    // Where a trigger may start. Each place is looked at once, so that no line costs more than its length allows.
    let mut starts = vec![0];
    let mut is_known = vec![false; text.len() + 1];
    while let Some(start) = starts.pop() {
        if std::mem::replace(&mut is_known[start], true) {
            continue;
        }
        let is_after_emoji = start > 0 && !text[..start].ends_with(' ');
        for trigger in triggers.iter().filter(|trigger| !is_after_emoji || trigger.is_emoji()) {
            for end in ends_of(trigger, text, start, is_after_emoji) {
                let rest = text[end..].trim_start_matches(AFTER);
                if rest.is_empty() {
                    return true;
                }
                let marks = &text[end..text.len() - rest.len()];
                starts.extend(marks.match_indices(' ').map(|(at, _)| end + at + 1));
                if marks.is_empty() && trigger.is_emoji() {
                    starts.push(end);
                }
            }
        }
    }
    false
}

/// Where the trigger ends, if it stands at `start` or behind marks there. A trigger may begin with such a mark itself.
fn ends_of<'a>(
    trigger: &'a Trigger,
    text: &'a str,
    start: usize,
    is_after_emoji: bool,
) -> impl Iterator<Item = usize> + 'a {
    let marks = text[start..].find(|c| !BEFORE.contains(&c)).unwrap_or(text.len() - start);
    let skipped = if is_after_emoji { 0 } else { marks };
    // Every mark is one byte.
    (start..=start + skipped)
        .filter(|at| trigger.folded().is_some_and(|folded| text[*at..].starts_with(folded)))
        .filter_map(|at| Some(at + trigger.folded()?.len()))
}

#[cfg(test)]
mod tests;
