//! The settings form, in the order in which one thinks: what people type, what it's called,
//! how it moves. The side against comes first because it is the left end of the bar.

use maud::{Markup, html};

use super::DashboardPage;

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
            section.card aria-labelledby="moves-title" {
                h2 #moves-title { "How it moves" }
                p.card-lead { "Every vote gives the bar a push. When chat goes quiet, it drifts back to the middle." }
                (drift(&form.decay_speed, problems.decay_speed.as_deref()))
            }
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

fn drift(decay_speed: &str, problem: Option<&str>) -> Markup {
    html! {
        div.drift {
            label.field-label for="decay_speed" { "Drift back" }
            // A hundredth a step keeps any stored speed as it is.
            input.slider #decay_speed type="range" name="decay_speed" min="0.1" max="2" step="0.01" value=(decay_speed)
                aria-describedby=(below_id("decay_speed")) aria-invalid=[problem.map(|_| "true")];
            p.drift-words {
                span { "slow" }
                output for="decay_speed" data-drift-words { (way_back(decay_speed)) }
                span { "fast" }
            }
            (below("decay_speed", problem, ""))
        }
    }
}

/// How long the bar takes from an end to within 1 of the middle: ln 100 time constants.
/// `fields.js` says the same while the slider moves.
fn way_back(decay_speed: &str) -> String {
    let Some(decay) =
        decay_speed.trim().parse::<f64>().ok().filter(|decay| decay.is_finite() && *decay > 0.0)
    else {
        return String::new();
    };
    let secs = 100_f64.ln() / decay;
    if secs < 5.0 {
        format!("back to the middle in about {secs:.1} s")
    } else {
        format!("back to the middle in about {secs:.0} s")
    }
}

/// The line under a field. It's always there, so that a problem doesn't push the page around.
/// The hint speaks of keys that only work with script, so the script shows it.
fn below(field: &str, problem: Option<&str>, hint: &str) -> Markup {
    html! {
        p.below.(problem.map_or("", |_| "is-problem")) id=(below_id(field)) data-below=(field) data-hint=(hint) {
            (problem.unwrap_or_default())
        }
    }
}

fn below_id(field: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_said_in_seconds() {
        assert_eq!(way_back("0.5"), "back to the middle in about 9 s");
        assert_eq!(way_back("2"), "back to the middle in about 2.3 s");
    }

    #[test]
    fn a_speed_that_is_none_says_nothing() {
        for speed in ["", "fast", "NaN", "0", "-1", "inf"] {
            assert_eq!(way_back(speed), "");
        }
    }
}
