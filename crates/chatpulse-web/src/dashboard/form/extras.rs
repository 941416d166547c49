//! The part of the form that says what moves the bar and how it looks. A field that was not sent keeps what is stored: a
//! client may know the others only. A box that is off sends nothing, so a hidden field says that the boxes are there.

use chatpulse_domain::appearance::Colour;
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::window::WindowSecs;

use super::{Problems, noted};
use crate::dashboard::view::{Boxes, Choices};

/// The hidden field.
const BOXES: &str = "boxes";

/// What was sent of it, unchecked. Of a field that comes twice the first counts.
#[derive(Debug, Default)]
pub(super) struct ExtrasInput {
    measure: Option<String>,
    window_secs: Option<String>,
    shape: Option<String>,
    theme: Option<String>,
    for_colour: Option<String>,
    against_colour: Option<String>,
    position: Option<String>,
    /// The form has boxes.
    has_boxes: bool,
    /// Those that are on, by name.
    on: Vec<String>,
}

impl ExtrasInput {
    /// Fields with a problem of their own.
    pub(super) const FIELDS: [&str; 7] =
        ["measure", "window_secs", "shape", "theme", "for_colour", "against_colour", "position"];

    pub(super) fn take(&mut self, name: &str, value: String) {
        let field = match name {
            "mode" | "measure" => &mut self.measure,
            "window_secs" => &mut self.window_secs,
            "shape" => &mut self.shape,
            "theme" => &mut self.theme,
            "for_colour" => &mut self.for_colour,
            "against_colour" => &mut self.against_colour,
            "position" => &mut self.position,
            BOXES => return self.has_boxes = true,
            "until_reset" | "one_vote_each" | "flipped" | "hint" | "counts" | "percentages"
            | "mod_commands" => {
                return self.on.push(name.to_owned());
            }
            _ => return,
        };
        field.get_or_insert(value);
    }

    fn is_on(&self, name: &str, stored: bool) -> bool {
        let sent = self.on.iter().any(|on| on == name);
        sent || (!self.has_boxes && stored)
    }

    /// On top of what is stored.
    pub(super) fn parse(&self, stored: &OverlaySettings, problems: &mut Problems) -> OverlaySettings {
        let mut parsed = stored.clone();
        parsed.mode = word(problems, "measure", self.measure.as_deref(), stored.mode);
        parsed.until_reset = self.is_on("until_reset", stored.until_reset);
        parsed.window_secs = self.window_secs(stored, problems);
        parsed.one_vote_each = self.is_on("one_vote_each", stored.one_vote_each);
        parsed.shape = word(problems, "shape", self.shape.as_deref(), stored.shape);
        parsed.theme = word(problems, "theme", self.theme.as_deref(), stored.theme);
        parsed.for_colour = colour(problems, "for_colour", self.for_colour.as_deref(), stored.for_colour);
        parsed.against_colour =
            colour(problems, "against_colour", self.against_colour.as_deref(), stored.against_colour);
        parsed.position = word(problems, "position", self.position.as_deref(), stored.position);
        parsed.flipped = self.is_on("flipped", stored.flipped);
        parsed.hint = self.is_on("hint", stored.hint);
        parsed.counts = self.is_on("counts", stored.counts);
        parsed.percentages = self.is_on("percentages", stored.percentages);
        parsed.mod_commands = self.is_on("mod_commands", stored.mod_commands);
        parsed
    }

    /// Seconds that do not count may be anything: the count goes on until reset, or the mode is momentum.
    fn window_secs(&self, stored: &OverlaySettings, problems: &mut Problems) -> WindowSecs {
        let Some(typed) = &self.window_secs else { return stored.window_secs };
        let secs = typed.trim().parse().ok().and_then(|secs| WindowSecs::new(secs).ok());
        let does_not_count = self.is_on("until_reset", stored.until_reset)
            || self.measure.as_deref() == Some(Mode::Momentum.as_str());
        if secs.is_none() && does_not_count {
            return stored.window_secs;
        }
        let secs = secs.ok_or_else(|| {
            format!("A whole number of seconds from {} to {}.", WindowSecs::MIN, WindowSecs::MAX)
        });
        noted(problems, "window_secs", secs).unwrap_or(stored.window_secs)
    }

    /// As it was typed; what was not sent is as stored.
    pub(super) fn into_choices(self, stored: &OverlaySettings, mut problems: Problems) -> Choices {
        let known = choices_of(stored);
        let boxes = Boxes {
            until_reset: self.is_on("until_reset", known.boxes.until_reset),
            one_vote_each: self.is_on("one_vote_each", known.boxes.one_vote_each),
            flipped: self.is_on("flipped", known.boxes.flipped),
            hint: self.is_on("hint", known.boxes.hint),
            counts: self.is_on("counts", known.boxes.counts),
            percentages: self.is_on("percentages", known.boxes.percentages),
            mod_commands: self.is_on("mod_commands", known.boxes.mod_commands),
        };
        problems.retain(|field, _| Self::FIELDS.contains(field));
        Choices {
            measure: self.measure.unwrap_or(known.measure),
            window_secs: self.window_secs.unwrap_or(known.window_secs),
            shape: self.shape.unwrap_or(known.shape),
            theme: self.theme.unwrap_or(known.theme),
            for_colour: self.for_colour.unwrap_or(known.for_colour),
            against_colour: self.against_colour.unwrap_or(known.against_colour),
            position: self.position.unwrap_or(known.position),
            boxes,
            problems,
        }
    }
}

/// As stored settings fill it.
pub(super) fn choices_of(stored: &OverlaySettings) -> Choices {
    Choices {
        measure: stored.mode.as_str().to_owned(),
        window_secs: stored.window_secs.get().to_string(),
        shape: stored.shape.as_str().to_owned(),
        theme: stored.theme.as_str().to_owned(),
        for_colour: stored.for_colour.to_string(),
        against_colour: stored.against_colour.to_string(),
        position: stored.position.as_str().to_owned(),
        boxes: Boxes {
            until_reset: stored.until_reset,
            one_vote_each: stored.one_vote_each,
            flipped: stored.flipped,
            hint: stored.hint,
            counts: stored.counts,
            percentages: stored.percentages,
            mod_commands: stored.mod_commands,
        },
        problems: Problems::new(),
    }
}

fn word<T: std::str::FromStr>(
    problems: &mut Problems,
    field: &'static str,
    typed: Option<&str>,
    stored: T,
) -> T {
    let Some(typed) = typed else {
        return stored;
    };
    let chosen = typed.trim().parse().map_err(|_| "Choose one of these.".to_owned());
    noted(problems, field, chosen).unwrap_or(stored)
}

fn colour(problems: &mut Problems, field: &'static str, typed: Option<&str>, stored: Colour) -> Colour {
    let Some(typed) = typed else {
        return stored;
    };
    let colour = typed.parse().map_err(|_| "A colour is written like #35c2ff.".to_owned());
    noted(problems, field, colour).unwrap_or(stored)
}
