//! One field of the settings form, as its kind is edited.

use chatpulse_domain::side::Side;
use maud::{Markup, html};

use crate::dashboard::fields::{Choice, Field, Kind};
use crate::dashboard::form::SettingsForm;
use crate::dashboard::questions;
use crate::layout::sentence;

/// Free rows per side for visitors without script.
const SPARE_ROWS: usize = 3;

/// The field with its label, and the line for a problem where it can have one.
pub(super) fn draw(field: &Field, form: &SettingsForm) -> Markup {
    match field.kind {
        Kind::Triggers(side) => triggers(field, side, form),
        Kind::Label(side) => label(field, side, form),
        Kind::Slider => slider(field, form),
        Kind::Seconds => seconds(field, form),
        Kind::Choice(choices) => choice(field, choices, form),
        Kind::Colour => colour(field, form),
        Kind::CheckBox => check_box(field, form),
    }
}

/// Rows of inputs that look like chips; `chips.js` makes real ones of them.
fn triggers(field: &Field, side: Side, form: &SettingsForm) -> Markup {
    // Rows that were left blank come back with a refused form; they are no words.
    let rows = form.rows(field.name).iter().filter(|row| !row.trim().is_empty());
    html! {
        div.side-words.{ "side-" (side.as_str()) } role="group" aria-label=(field.label) {
            label.field-label for=(field.name) { (field.label) span { (end_of(side)) } }
            div.chips data-chips=(field.name) aria-invalid=[invalid(field, form)] {
                ul.chip-list.notranslate translate="no" data-chip-list aria-label=(field.label) {
                    @for (index, row) in rows.enumerate() {
                        li.chip {
                            input.chip-raw name=(field.name) value=(row) size=(width(row)) autocomplete="off"
                                autocapitalize="off" spellcheck="false" aria-label={ (field.label) ", word " (index + 1) };
                        }
                    }
                }
                input.chip-entry.notranslate translate="no" id=(field.name) name=(field.name) placeholder="add…" autocomplete="off"
                    autocapitalize="off" spellcheck="false" enterkeyhint="done" aria-describedby=(below_id(field));
                @for _ in 1..SPARE_ROWS {
                    input.chip-entry.chip-spare.notranslate translate="no" name=(field.name) placeholder="add…" autocomplete="off"
                        autocapitalize="off" spellcheck="false" aria-label={ (field.label) ", one more word" };
                }
            }
            (below(field, field.help, form))
            div role="status" {
                ul.questions data-questions=(field.name) {
                    @for question in questions::about(form.rows(field.name).iter().map(String::as_str)) {
                        li data-question=(json(&question)) { (sentence(&question.words)) }
                    }
                }
            }
        }
    }
}

/// For the script, which adds the button.
fn json(question: &questions::Question) -> String {
    serde_json::to_string(question).unwrap_or_default()
}

/// Wide enough to read a trigger, never wider than a phone.
fn width(trigger: &str) -> usize {
    trigger.chars().count().clamp(2, 24)
}

fn end_of(side: Side) -> &'static str {
    match side {
        Side::Against => "left end",
        Side::For => "right end",
    }
}

fn label(field: &Field, side: Side, form: &SettingsForm) -> Markup {
    html! {
        div.side-label.{ "side-" (side.as_str()) } {
            label.field-label for=(field.name) { (field.label) }
            input.field.notranslate translate="no" id=(field.name) name=(field.name) value=(form.text(field.name))
                autocomplete="off" aria-describedby=(below_id(field)) aria-invalid=[invalid(field, form)];
            (below(field, field.help, form))
        }
    }
}

fn slider(field: &Field, form: &SettingsForm) -> Markup {
    let (min, max) = field.kind.limits().unwrap_or_default();
    let value = form.text(field.name);
    html! {
        div.drift {
            label.field-label for=(field.name) { (field.label) }
            // A hundredth a step keeps any stored speed as it is.
            input.slider id=(field.name) type="range" name=(field.name) min=(min) max=(max) step="0.01" value=(value)
                aria-describedby=(below_id(field)) aria-invalid=[invalid(field, form)];
            p.drift-words {
                span { "slow" }
                output for=(field.name) data-drift-words { (way_back(value)) }
                span { "fast" }
            }
            (below(field, field.help, form))
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
    let decimals = usize::from(secs < 5.0);
    format!("back to the middle in about {secs:.decimals$} s")
}

fn seconds(field: &Field, form: &SettingsForm) -> Markup {
    let (min, max) = field.kind.limits().unwrap_or_default();
    html! {
        div.window {
            label.field-label for=(field.name) { (field.label) }
            span.window-field {
                input.field id=(field.name) name=(field.name) value=(form.text(field.name)) inputmode="numeric"
                    autocomplete="off" aria-describedby=(below_id(field)) aria-invalid=[invalid(field, form)];
                span { "seconds" }
            }
            (below(field, &format!("{min} to {max}"), form))
        }
    }
}

/// Each choice as a card with its words.
fn choice(field: &Field, choices: &[Choice], form: &SettingsForm) -> Markup {
    html! {
        fieldset.choices data-choices=(field.name) aria-describedby=(below_id(field)) {
            legend.field-label { (field.label) }
            div.choices-row {
                @for choice in choices {
                    label.choice {
                        input type="radio" name=(field.name) value=(choice.word)
                            checked[choice.word == form.text(field.name)];
                        span.choice-words { strong { (choice.label) } span { (sentence(choice.help)) } }
                    }
                }
            }
            (below(field, field.help, form))
        }
    }
}

fn colour(field: &Field, form: &SettingsForm) -> Markup {
    html! {
        div.colour {
            label.field-label for=(field.name) { (field.label) }
            input.colour-field id=(field.name) type="color" name=(field.name) value=(form.text(field.name))
                aria-describedby=(below_id(field)) aria-invalid=[invalid(field, form)];
            (below(field, field.help, form))
        }
    }
}

/// A check box cannot be wrong, so it has no line below.
fn check_box(field: &Field, form: &SettingsForm) -> Markup {
    html! {
        label.tick {
            input type="checkbox" name=(field.name) value="on" checked[form.is_on(field.name)];
            span.tick-words { (field.label) span.tick-why { (field.help) } }
        }
    }
}

/// The line under a field. It is always there, so that a problem doesn't push the page around. The hint may speak of keys
/// that only work with script, so the script shows it.
fn below(field: &Field, hint: &str, form: &SettingsForm) -> Markup {
    let problem = form.problem(field.name);
    html! {
        p.below.(problem.map_or("", |_| "is-problem")) id=(below_id(field)) data-below=(field.name) data-hint=(hint) {
            (sentence(problem.unwrap_or_default()))
        }
    }
}

fn below_id(field: &Field) -> String {
    format!("below-{}", field.name)
}

fn invalid(field: &Field, form: &SettingsForm) -> Option<&'static str> {
    form.problem(field.name).map(|_| "true")
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
