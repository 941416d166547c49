//! The fields of the settings form: one table for the parser, the page and the page's script.
//!
//! A row names a field of the settings document and says how it is edited, within which limits and in which words. What
//! the document holds and each default is [`OverlaySettings`]'s.

use chatpulse_domain::appearance::{Shape, Theme, VerticalPosition};
use chatpulse_domain::label::Label;
use chatpulse_domain::matching::Matching;
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::trigger::Trigger;
use chatpulse_domain::trigger_set::TriggerSet;
use chatpulse_domain::window::WindowSecs;
use serde_json::{Value, json};

/// The form, card by card, in the order in which one thinks: what people type, how the bar moves, how it looks. The side
/// against comes first because it is the left end of the bar.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        id: "words",
        title: "What people type",
        lead: "A message counts when it’s one of these and nothing else. Emotes work by their name.",
        has_trial: true,
        fields: &[
            Field::new("against_trigger", Kind::Triggers(Side::Against), "Votes against", ADD)
                .key("against_triggers"),
            Field::new("left_label", Kind::Label(Side::Against), "Shown as", ""),
            Field::new("for_trigger", Kind::Triggers(Side::For), "Votes for", ADD).key("for_triggers"),
            Field::new("right_label", Kind::Label(Side::For), "Shown as", ""),
            Field::new("matching", Kind::Choice(MATCHINGS), "Matching", ""),
        ],
    },
    Section {
        id: "moves",
        title: "How the bar moves",
        lead: "",
        has_trial: false,
        fields: &[
            Field::new("mode", Kind::Choice(MODES), "Mode", ""),
            Field::new("decay_speed", Kind::Slider, "Drift back", "").only_in(Mode::Momentum),
            Field::new("window_secs", Kind::Seconds, "Votes of the last", "").only_in(Mode::Share),
            Field::new("until_reset", Kind::CheckBox, "All votes until I reset the bar", UNTIL_RESET)
                .only_in(Mode::Share),
            Field::new("one_vote_each", Kind::CheckBox, "One viewer, one vote", ONE_VOTE_EACH)
                .only_in(Mode::Share),
        ],
    },
    Section {
        id: "looks",
        title: "Appearance",
        lead: "",
        has_trial: false,
        fields: &[
            Field::new("shape", Kind::Choice(SHAPES), "Shape", ""),
            Field::new("theme", Kind::Choice(THEMES), "Background", ""),
            Field::new("against_colour", Kind::Colour, "Colour against", ""),
            Field::new("for_colour", Kind::Colour, "Colour for", ""),
            Field::new("position", Kind::Choice(POSITIONS), "Vertical position", ""),
            Field::new("hint", Kind::CheckBox, "Show what to type", HINT),
            Field::new("percentages", Kind::CheckBox, "Show percentages", ""),
            Field::new("counts", Kind::CheckBox, "Show the number of votes", "In share mode."),
            Field::new(
                "show_marker",
                Kind::CheckBox,
                "Show the marker",
                "At the tip of the bar, in momentum mode.",
            ),
            Field::new("flipped", Kind::CheckBox, "Put the side for on the left", ""),
        ],
    },
    Section {
        id: "moderators",
        title: "Moderators",
        lead: "You and your mods can type “!pulse reset”, “pause”, “resume”, “hide” or “show” in chat. It never counts as a vote.",
        has_trial: false,
        fields: &[Field::new("mod_commands", Kind::CheckBox, "Allow these commands", "")],
    },
];

const ADD: &str = "Press Enter to add one.";
const UNTIL_RESET: &str = "For a longer poll. It goes on while no overlay is open, for up to 12 hours.";
const ONE_VOTE_EACH: &str = "Each viewer counts once, with their latest vote.";
const HINT: &str = "Your first word of each side, under its label.";

const MATCHINGS: &[Choice] = &[
    Choice {
        word: Matching::Forgiving.as_str(),
        label: "Forgiving",
        help: "“Yes!!”, “@you yes” and “yes yes yes” count too; “yes I think” doesn’t.",
    },
    Choice {
        word: Matching::Exact.as_str(),
        label: "Exact",
        help: "Only the word itself, in capitals or not.",
    },
];

const MODES: &[Choice] = &[
    Choice {
        word: Mode::Momentum.as_str(),
        label: "Momentum",
        help: "Each vote pushes the bar, and it drifts back when chat goes quiet. Lively; a big chat reaches the end.",
    },
    Choice {
        word: Mode::Share.as_str(),
        label: "Share",
        help: "How many of the latest votes are for and against. Fair in any chat: 70 of 100 is 70 %.",
    },
];

const SHAPES: &[Choice] = &[
    Choice { word: Shape::Bar.as_str(), label: "One bar", help: "A tug of war between two ends." },
    Choice { word: Shape::TwoBars.as_str(), label: "Two bars", help: "One for each side, stacked." },
];

const THEMES: &[Choice] = &[
    Choice { word: Theme::Dark.as_str(), label: "Dark", help: "Dark glass, easy to read on any game." },
    Choice { word: Theme::Light.as_str(), label: "Light", help: "Light glass, dark text." },
    Choice { word: Theme::Transparent.as_str(), label: "No background", help: "Only the bar and its words." },
];

const POSITIONS: &[Choice] = &[
    Choice { word: VerticalPosition::Top.as_str(), label: "Top", help: "" },
    Choice { word: VerticalPosition::Middle.as_str(), label: "Middle", help: "" },
    Choice { word: VerticalPosition::Bottom.as_str(), label: "Bottom", help: "" },
];

/// Earlier names of fields, which clients may still send.
const EARLIER_NAMES: &[(&str, &str)] = &[("measure", "mode")];

/// One card of the form.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// A sentence under the title; may be empty.
    pub(super) lead: &'static str,
    /// Whether a line of chat can be tried there.
    pub(super) has_trial: bool,
    pub(super) fields: &'static [Field],
}

/// One field of the form.
pub(super) struct Field {
    /// Its name in the form.
    pub(super) name: &'static str,
    /// Its name in the settings document.
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    pub(super) label: &'static str,
    /// A hint or reason beside it; may be empty.
    pub(super) help: &'static str,
    /// The mode that uses it; `None`: both.
    pub(super) mode: Option<Mode>,
}

/// How a field is edited.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// The triggers of a side: the field comes once for each.
    Triggers(Side),
    /// The label of a side.
    Label(Side),
    /// The decay speed.
    Slider,
    /// The length of the window.
    Seconds,
    /// One of several words.
    Choice(&'static [Choice]),
    /// A colour.
    Colour,
    /// On or off.
    CheckBox,
}

/// One choice of several.
#[derive(PartialEq)]
pub(super) struct Choice {
    /// The word in the settings document.
    pub(super) word: &'static str,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
}

/// All fields, in the form's order.
pub(super) fn all() -> impl Iterator<Item = &'static Field> {
    SECTIONS.iter().flat_map(|section| section.fields)
}

/// The field of this name, or of this earlier name.
pub(super) fn find(name: &str) -> Option<&'static Field> {
    let renamed = EARLIER_NAMES.iter().find(|(earlier, _)| *earlier == name);
    let name = renamed.map_or(name, |(_, current)| current);
    all().find(|field| field.name == name)
}

/// The table for the page's script: names, kinds, limits and defaults.
pub(super) fn for_script() -> Value {
    let defaults = serde_json::to_value(OverlaySettings::default()).unwrap_or_default();
    all()
        .map(|field| {
            let mut row = field.kind.for_script();
            row["name"] = field.name.into();
            row["key"] = field.key.into();
            row["default"] = defaults[field.key].clone();
            row
        })
        .collect()
}

impl Field {
    const fn new(name: &'static str, kind: Kind, label: &'static str, help: &'static str) -> Self {
        Self { name, key: name, kind, label, help, mode: None }
    }

    const fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    const fn only_in(self, mode: Mode) -> Self {
        Self { mode: Some(mode), ..self }
    }
}

impl Kind {
    /// Least and greatest value of a number.
    pub(super) fn limits(self) -> Option<(f64, f64)> {
        match self {
            Self::Slider => Some((DecaySpeed::MIN, DecaySpeed::MAX)),
            Self::Seconds => Some((WindowSecs::MIN.into(), WindowSecs::MAX.into())),
            _ => None,
        }
    }

    fn for_script(self) -> Value {
        match self {
            Self::Triggers(_) => {
                json!({ "kind": "triggers", "max": TriggerSet::MAX, "chars_max": Trigger::CHARS_MAX })
            }
            Self::Label(_) => json!({ "kind": "label", "chars_max": Label::CHARS_MAX }),
            Self::Slider => json!({ "kind": "slider" }),
            Self::Seconds => json!({ "kind": "seconds" }),
            Self::Choice(_) => json!({ "kind": "choice" }),
            Self::Colour => json!({ "kind": "colour" }),
            Self::CheckBox => json!({ "kind": "check_box" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn document() -> serde_json::Map<String, Value> {
        let document = serde_json::to_value(OverlaySettings::default()).unwrap();
        document.as_object().unwrap().clone()
    }

    #[test]
    fn every_setting_has_one_row() {
        let document = document();
        let settings: BTreeSet<&str> = document.keys().map(String::as_str).collect();
        let rows: BTreeSet<&str> = all().map(|field| field.key).collect();
        assert_eq!(rows, settings);
        assert_eq!(all().count(), rows.len());
    }

    #[test]
    fn a_row_is_edited_as_what_the_document_holds() {
        let document = document();
        for field in all() {
            let fits = match field.kind {
                Kind::Triggers(_) => document[field.key].is_array(),
                Kind::Label(_) | Kind::Choice(_) | Kind::Colour => document[field.key].is_string(),
                Kind::Slider | Kind::Seconds => document[field.key].is_number(),
                Kind::CheckBox => document[field.key].is_boolean(),
            };
            assert!(fits, "{}", field.name);
        }
    }

    #[test]
    fn every_choice_that_is_offered_is_a_word_of_the_setting() {
        for field in all() {
            let Kind::Choice(choices) = field.kind else { continue };
            for choice in choices {
                let mut document = document();
                document.insert(field.key.to_owned(), choice.word.into());
                let read: Result<OverlaySettings, _> = serde_json::from_value(document.into());
                assert!(read.is_ok(), "{} as {}", choice.word, field.name);
            }
        }
    }

    #[test]
    fn an_earlier_name_finds_its_field() {
        assert_eq!(find("measure").unwrap().name, "mode");
        assert_eq!(find("mode").unwrap().key, "mode");
        assert!(find("for_triggers").is_none(), "the form's name is another one");
    }

    #[test]
    fn the_script_gets_limits_and_defaults() {
        let rows = for_script();
        let trigger = json!({
            "name": "for_trigger", "key": "for_triggers", "kind": "triggers", "max": 20, "chars_max": 500,
            "default": ["yes"],
        });
        assert!(rows.as_array().unwrap().contains(&trigger), "{rows}");
    }
}
