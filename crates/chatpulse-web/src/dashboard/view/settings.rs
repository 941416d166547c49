//! The settings form, in the order in which one thinks: what people type, what it's called,
//! how it moves, how it looks. The side against comes first because it is the left end of the bar.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{DashboardPage, look, measure};

/// Free rows per side for readers without script.
const SPARE_ROWS: usize = 3;

/// The form's values as text: stored ones, or refused ones just as they were typed.
#[derive(Debug, Clone)]
pub(crate) struct SettingsForm {
    /// What counts as a vote for.
    pub(crate) for_triggers: Vec<String>,
    /// What counts as a vote against.
    pub(crate) against_triggers: Vec<String>,
    /// The name of the side against.
    pub(crate) left_label: String,
    /// The name of the side for.
    pub(crate) right_label: String,
    /// How fast the bar drifts back, per second.
    pub(crate) decay_speed: String,
    /// The version that this page was made from.
    pub(crate) version: String,
    /// What is wrong, by field.
    pub(crate) problems: FormProblems,
    /// What moves the bar, and how it looks.
    pub(crate) choices: Choices,
}

/// The fields of `measure.rs` and `look.rs`, as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices {
    /// Momentum or share.
    pub(crate) measure: String,
    /// How far back a share looks.
    pub(crate) window_secs: String,
    /// One bar or two.
    pub(crate) shape: String,
    /// What it stands on.
    pub(crate) theme: String,
    /// Of the side for.
    pub(crate) for_colour: String,
    /// Of the side against.
    pub(crate) against_colour: String,
    /// Where it stands.
    pub(crate) position: String,
    /// What is on.
    pub(crate) boxes: Boxes,
    /// What is wrong, by field.
    pub(crate) problems: BTreeMap<&'static str, String>,
}

/// Each is a box that is ticked or not.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box")]
pub(crate) struct Boxes {
    /// A share looks back to the last reset.
    pub(crate) until_reset: bool,
    /// Each viewer counts once.
    pub(crate) one_vote_each: bool,
    /// The side for stands left.
    pub(crate) flipped: bool,
    /// What to type stands under the labels.
    pub(crate) hint: bool,
    /// Numbers of votes are shown.
    pub(crate) counts: bool,
    /// Percentages are shown.
    pub(crate) percentages: bool,
    /// Moderators may use the bar's commands.
    pub(crate) mod_commands: bool,
}

/// Why fields were refused, in words that say how to mend them.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormProblems {
    /// Beside the triggers for.
    pub(crate) for_trigger: Option<String>,
    /// Beside the triggers against.
    pub(crate) against_trigger: Option<String>,
    /// Beside the left label.
    pub(crate) left_label: Option<String>,
    /// Beside the right label.
    pub(crate) right_label: Option<String>,
    /// Beside the slider.
    pub(crate) decay_speed: Option<String>,
    /// Above the save button, since nobody sees the field.
    pub(crate) version: Option<String>,
}

/// One side of the bar, with everything its fields need.
struct Side<'a> {
    /// `against` or `for`, in class names.
    name: &'static str,
    title: &'static str,
    end: &'static str,
    trigger_field: &'static str,
    triggers: &'a [String],
    trigger_problem: Option<&'a str>,
    label_field: &'static str,
    label: &'a str,
    label_problem: Option<&'a str>,
}

/// The whole form with its save bar.
pub(super) fn form(page: &DashboardPage) -> Markup {
    let form = &page.form;
    let problems = &form.problems;
    let against = Side {
        name: "against",
        title: "Votes against",
        end: "left end",
        trigger_field: "against_trigger",
        triggers: &form.against_triggers,
        trigger_problem: problems.against_trigger.as_deref(),
        label_field: "left_label",
        label: &form.left_label,
        label_problem: problems.left_label.as_deref(),
    };
    let in_favor = Side {
        name: "for",
        title: "Votes for",
        end: "right end",
        trigger_field: "for_trigger",
        triggers: &form.for_triggers,
        trigger_problem: problems.for_trigger.as_deref(),
        label_field: "right_label",
        label: &form.right_label,
        label_problem: problems.right_label.as_deref(),
    };
    html! {
        form #settings.settings method="post" action="/dashboard/config" data-settings novalidate tabindex="-1" {
            input type="hidden" name="csrf_token" value=(page.csrf_token);
            input type="hidden" name="version" value=(form.version);
            section.card aria-labelledby="words-title" {
                h2 #words-title { "What people type" }
                p.card-lead { "A message counts when it’s exactly one of these. Emotes work by their name." }
                div.sides {
                    (side(&against))
                    (side(&in_favor))
                }
            }
            (measure::card(form))
            (look::card(&form.choices))
            (moderators(form.choices.boxes.mod_commands))
            (save_bar(problems.version.as_deref()))
        }
    }
}

fn side(side: &Side<'_>) -> Markup {
    html! {
        div.side-words.{ "side-" (side.name) } role="group" aria-label=(side.title) {
            label.field-label for=(side.trigger_field) { (side.title) span { (side.end) } }
            (triggers(side))
            (below(side.trigger_field, side.trigger_problem, "Press Enter to add one."))
        }
        div.side-label.{ "side-" (side.name) } {
            label.field-label for=(side.label_field) { "Shown as" }
            input.field id=(side.label_field) name=(side.label_field) value=(side.label) autocomplete="off"
                aria-describedby=(below_id(side.label_field)) aria-invalid=[side.label_problem.map(|_| "true")];
            (below(side.label_field, side.label_problem, ""))
        }
    }
}

/// Rows of inputs that look like chips; `chips.js` makes real ones of them.
fn triggers(side: &Side<'_>) -> Markup {
    html! {
        div.chips data-chips=(side.trigger_field) aria-invalid=[side.trigger_problem.map(|_| "true")] {
            ul.chip-list data-chip-list aria-label=(side.title) {
                // Rows that were left blank come back with a refused form; they are not words.
                @for (index, trigger) in side.triggers.iter().filter(|trigger| !trigger.trim().is_empty()).enumerate() {
                    li.chip {
                        input.chip-raw name=(side.trigger_field) value=(trigger) size=(width(trigger))
                            autocomplete="off" autocapitalize="off" spellcheck="false"
                            aria-label={ (side.title) ", word " (index + 1) };
                    }
                }
            }
            input.chip-entry id=(side.trigger_field) name=(side.trigger_field) placeholder="add…"
                autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="done"
                aria-describedby=(below_id(side.trigger_field));
            @for _ in 1..SPARE_ROWS {
                input.chip-entry.chip-spare name=(side.trigger_field) placeholder="add…" autocomplete="off"
                    autocapitalize="off" spellcheck="false" aria-label={ (side.title) ", one more word" };
            }
        }
    }
}

/// Wide enough to read a trigger, never wider than a phone.
fn width(trigger: &str) -> usize {
    trigger.chars().count().clamp(2, 24)
}

/// What moderators may do.
fn moderators(may: bool) -> Markup {
    html! {
        section.card aria-labelledby="mods-title" {
            h2 #mods-title { "Who helps" }
            p.card-lead {
                "You and your moderators can type " code { "!pulse reset" } ", " code { "pause" } ", " code { "resume" } ", "
                code { "hide" } " or " code { "show" } " in chat. It never counts as a vote."
            }
            (tick("mod_commands", may, "Listen to these commands", ""))
        }
    }
}

/// The line under a field. It's always there, so that a problem doesn't push the page around.
/// The hint speaks of keys that only work with script, so the script shows it.
pub(super) fn below(field: &str, problem: Option<&str>, hint: &str) -> Markup {
    html! {
        p.below.(problem.map_or("", |_| "is-problem")) id=(below_id(field)) data-below=(field) data-hint=(hint) {
            (problem.unwrap_or_default())
        }
    }
}

pub(super) fn below_id(field: &str) -> String {
    format!("below-{field}")
}

fn save_bar(problem: Option<&str>) -> Markup {
    html! {
        div.save data-save="unknown" {
            button.button.button-primary type="submit" data-save-button { "Save changes" }
            button.button.button-quiet type="button" data-discard hidden { "Discard" }
            p.save-words role="status" data-save-words { (problem.unwrap_or_default()) }
            div.save-actions data-save-actions {}
        }
    }
}

/// A box with its words. Off, it sends nothing; the form's hidden field says that it was there.
pub(super) fn tick(name: &str, is_on: bool, words: &str, explained: &str) -> Markup {
    html! {
        label.tick {
            input type="checkbox" name=(name) value="on" checked[is_on];
            span.tick-words { (words) span.tick-why { (explained) } }
        }
    }
}

/// One choice of several, as a card with its words.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) explained: &'static str,
}

/// All of them, under one name.
pub(super) fn choose(
    name: &'static str,
    title: &str,
    chosen: &str,
    choices: &[Choice],
    problem: Option<&str>,
) -> Markup {
    html! {
        fieldset.choices data-choices=(name) aria-describedby=(below_id(name)) {
            legend.field-label { (title) }
            div.choices-row {
                @for choice in choices {
                    label.choice {
                        input type="radio" name=(name) value=(choice.value) checked[choice.value == chosen];
                        span.choice-words { strong { (choice.words) } span { (choice.explained) } }
                    }
                }
            }
            (below(name, problem, ""))
        }
    }
}
