//! How it moves: momentum or share, each with what belongs to it.

use chatpulse_domain::mode::Mode;
use chatpulse_domain::window::WindowSecs;
use maud::{Markup, html};

use super::SettingsForm;
use super::settings::{Choice, below, below_id, choose, tick};

const KINDS: [Choice; 2] = [
    Choice {
        value: Mode::Momentum.as_str(),
        words: "Momentum",
        explained: "Each vote pushes the bar, and it drifts back when chat goes quiet. Lively; a big chat reaches the end.",
    },
    Choice {
        value: Mode::Share.as_str(),
        words: "Share",
        explained: "How many of the latest votes are for and against. Fair in any chat: 70 of 100 is 70 %.",
    },
];

/// The card. With script only what belongs to the choice is shown.
pub(super) fn card(form: &SettingsForm) -> Markup {
    let choices = &form.choices;
    let problem = |field| choices.problems.get(field).map(String::as_str);
    html! {
        section.card aria-labelledby="moves-title" data-measure-card {
            h2 #moves-title { "How it moves" }
            input type="hidden" name="boxes" value="1";
            (choose("measure", "What moves the bar", &choices.measure, &KINDS, problem("measure")))
            div data-measure-of="momentum" {
                (drift(&form.decay_speed, form.problems.decay_speed.as_deref()))
            }
            div data-measure-of="share" {
                div.window {
                    label.field-label for="window_secs" { "Votes of the last" }
                    span.window-field {
                        input.field #window_secs name="window_secs" value=(choices.window_secs) inputmode="numeric"
                            autocomplete="off" aria-describedby=(below_id("window_secs"))
                            aria-invalid=[problem("window_secs").map(|_| "true")];
                        span { "seconds" }
                    }
                    (below("window_secs", problem("window_secs"), &format!("{} to {}", WindowSecs::MIN, WindowSecs::MAX)))
                }
                (tick("until_reset", choices.boxes.until_reset, "All votes until I reset the bar", "For a poll that goes on. A break of up to a day is no problem."))
                (tick("one_vote_each", choices.boxes.one_vote_each, "One viewer, one vote", "Each viewer counts once, with their latest vote."))
            }
        }
    }
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
