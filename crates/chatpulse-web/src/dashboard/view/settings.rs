//! The settings form: the cards of the table in `fields.rs`, and the save bar.

use chatpulse_domain::mode::Mode;
use maud::{Markup, html};

use super::field;
use crate::dashboard::fields::{self, Field, Kind, SECTIONS, Section};
use crate::dashboard::form::SettingsForm;
use crate::dashboard::input::CHECK_BOXES;
use crate::dashboard::try_line::TriedLine;
use crate::layout::sentence;

/// The form of its own that tries a line; its fields stand in the card of the words.
const TRY_FORM: &str = "try";

/// The whole form with its save bar.
pub(super) fn form(form: &SettingsForm, tried: Option<&TriedLine>, csrf_token: &str) -> Markup {
    html! {
        form #settings.settings method="post" action="/dashboard/config" data-settings
            data-fields=(fields::for_script()) novalidate tabindex="-1" {
            input type="hidden" name="csrf_token" value=(csrf_token);
            input type="hidden" name="version" value=(form.version);
            input type="hidden" name=(CHECK_BOXES) value="1";
            @for section in SECTIONS { (card(section, form, tried)) }
            (save_bar(form.problem("version")))
        }
        form id=(TRY_FORM) method="post" action="/dashboard/try" data-try-form {
            input type="hidden" name="csrf_token" value=(csrf_token);
        }
    }
}

/// A field to try a line of chat. Without script the saved words count, with script what is typed above.
fn try_line(tried: Option<&TriedLine>) -> Markup {
    html! {
        div.try {
            label.field-label for="line" { "Would this count?" span { "try a line of chat" } }
            div.try-field {
                input.field id="line" name="line" form=(TRY_FORM) value=(tried.map_or("", |tried| &tried.line))
                    autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go" translate="no"
                    aria-describedby="verdict";
                button.button type="submit" form=(TRY_FORM) { "Try" }
            }
            p.below id="verdict" role="status" data-verdict { (tried.map_or("", |tried| tried.verdict)) }
        }
    }
}

fn card(section: &Section, form: &SettingsForm, tried: Option<&TriedLine>) -> Markup {
    let title_id = format!("{}-title", section.id);
    html! {
        section.card aria-labelledby=(title_id) {
            h2 id=(title_id) { (section.title) }
            @if !section.lead.is_empty() { p.card-lead { (sentence(section.lead)) } }
            @for group in section.fields.chunk_by(|one, next| Group::of(one) == Group::of(next)) {
                (Group::of(&group[0]).around(&html! { @for one in group { (field::draw(one, form)) } }))
            }
            @if section.has_trial { (try_line(tried)) }
        }
    }
}

/// Fields that are laid out together.
#[derive(PartialEq)]
enum Group {
    /// The two sides of the bar, in columns.
    Sides,
    /// The two colours, in columns.
    Colours,
    /// Fields that only one mode uses; the script shows those of the chosen mode.
    Mode(Mode),
    /// One below the other.
    Plain,
}

impl Group {
    fn of(field: &Field) -> Self {
        match field.kind {
            Kind::Triggers(_) | Kind::Label(_) => Self::Sides,
            Kind::Colour => Self::Colours,
            _ => field.mode.map_or(Self::Plain, Self::Mode),
        }
    }

    fn around(&self, fields: &Markup) -> Markup {
        html! {
            @match self {
                Self::Sides => div.sides { (fields) },
                Self::Colours => div.colours { (fields) },
                Self::Mode(mode) => div data-only-in-mode=(mode.as_str()) { (fields) },
                Self::Plain => (fields),
            }
        }
    }
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
