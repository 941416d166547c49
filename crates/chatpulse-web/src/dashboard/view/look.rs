//! How it looks: shape, ground, colours, what is written beside it, where it stands.

use chatpulse_domain::appearance::{Shape, Theme, VerticalPosition as Position};
use maud::{Markup, html};

use super::Choices;
use super::settings::{Choice, below, below_id, choose, tick};

const SHAPES: [Choice; 2] = [
    Choice { value: Shape::Bar.as_str(), words: "One bar", explained: "A tug of war between two ends." },
    Choice { value: Shape::TwoBars.as_str(), words: "Two bars", explained: "One for each side, stacked." },
];

const THEMES: [Choice; 3] = [
    Choice { value: Theme::Dark.as_str(), words: "Dark", explained: "Dark glass: reads on any game." },
    Choice { value: Theme::Light.as_str(), words: "Light", explained: "Light glass, dark text." },
    Choice {
        value: Theme::Transparent.as_str(),
        words: "No ground",
        explained: "Only the bar and its words.",
    },
];

const POSITIONS: [Choice; 3] = [
    Choice { value: Position::Top.as_str(), words: "Top", explained: "" },
    Choice { value: Position::Middle.as_str(), words: "Middle", explained: "" },
    Choice { value: Position::Bottom.as_str(), words: "Bottom", explained: "" },
];

/// The card.
pub(super) fn card(choices: &Choices) -> Markup {
    let problem = |field| choices.problems.get(field).map(String::as_str);
    html! {
        section.card aria-labelledby="looks-title" {
            h2 #looks-title { "How it looks" }
            (choose("shape", "Shape", &choices.shape, &SHAPES, problem("shape")))
            (choose("theme", "Ground", &choices.theme, &THEMES, problem("theme")))
            div.colours {
                (colour("against_colour", "Colour against", &choices.against_colour, problem("against_colour")))
                (colour("for_colour", "Colour for", &choices.for_colour, problem("for_colour")))
            }
            (choose("position", "Place in the browser source", &choices.position, &POSITIONS, problem("position")))
            (tick("hint", choices.boxes.hint, "Say what to type", "Your first word of each side, under its label."))
            (tick("percentages", choices.boxes.percentages, "Show percentages", ""))
            (tick("counts", choices.boxes.counts, "Show the number of votes", "Where the share is measured."))
            (tick("flipped", choices.boxes.flipped, "Put the side for on the left", ""))
        }
    }
}

fn colour(name: &'static str, title: &str, value: &str, problem: Option<&str>) -> Markup {
    html! {
        div.colour {
            label.field-label for=(name) { (title) }
            input.colour-field id=(name) type="color" name=(name) value=(value) aria-describedby=(below_id(name))
                aria-invalid=[problem.map(|_| "true")];
            (below(name, problem, ""))
        }
    }
}
