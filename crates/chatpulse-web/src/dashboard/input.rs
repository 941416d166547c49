//! A settings form that was sent: from what was typed to valid settings, or to a problem beside each field.

use std::collections::{BTreeMap, BTreeSet};

use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use serde_json::{Number, Value};

use super::fields::{self, Field, Kind};
use super::form::{FieldValue, Problems, SettingsForm};

/// A hidden field of the page. A check box that is off is not sent; this says that the check boxes were in the form.
pub(super) const CHECK_BOXES: &str = "boxes";

const VERSION: &str = "version";
const NOT_TEXT: &str = "This is no text that can be read. Type it again.";

/// What was sent, unchecked.
#[derive(Debug, Default)]
pub(super) struct SettingsInput {
    pub(super) csrf_token: Option<String>,
    version: Option<String>,
    /// By field name, in the order sent.
    values: BTreeMap<&'static str, Vec<String>>,
    has_check_boxes: bool,
    /// Fields whose bytes are no UTF-8.
    malformed: BTreeSet<&'static str>,
}

impl SettingsInput {
    /// Ignores unknown fields. The first value counts, except for triggers.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut input = Self::default();
        for pair in body.split(|byte| *byte == b'&') {
            let Some((name, value)) = url::form_urlencoded::parse(pair).next() else { continue };
            let value = value.into_owned();
            let field = match name.as_ref() {
                "csrf_token" => {
                    input.csrf_token.get_or_insert(value);
                    continue;
                }
                CHECK_BOXES => {
                    input.has_check_boxes = true;
                    continue;
                }
                VERSION => {
                    input.version.get_or_insert(value);
                    VERSION
                }
                name => {
                    let Some(field) = fields::find(name) else { continue };
                    input.values.entry(field.name).or_default().push(value);
                    field.name
                }
            };
            if !is_utf8(pair) {
                input.malformed.insert(field);
            }
        }
        input
    }

    /// Whether the form came with its triggers, as every form for saving does.
    pub(super) fn has_triggers(&self) -> bool {
        self.values.contains_key("for_trigger") || self.values.contains_key("against_trigger")
    }

    /// The stored settings with everything that was sent, and the version that the page was made from. Collects all
    /// problems instead of stopping at the first.
    pub(super) fn parse(
        &self,
        stored: &OverlaySettings,
    ) -> Result<(OverlaySettings, Option<SettingsVersion>), Problems> {
        let mut problems = Problems::new();
        let mut settings = stored.clone();
        for field in fields::all() {
            match self.value_of(field).map(|value| replaced(&settings, field, value)) {
                Some(Ok(changed)) => settings = changed,
                Some(Err(problem)) => drop(problems.insert(field.name, problem)),
                None => {}
            }
        }
        let version = parse_version(self.version.as_deref());
        if let Err(problem) = &version {
            problems.insert(VERSION, problem.clone());
        }
        problems.extend(self.malformed.iter().map(|field| (*field, NOT_TEXT.to_owned())));
        let sides_are_valid =
            ["for_trigger", "against_trigger"].iter().all(|name| !problems.contains_key(name));
        let shared = settings.against_triggers.shared_with(&settings.for_triggers);
        if let Some(typed) = shared.filter(|_| sides_are_valid) {
            problems.insert("against_trigger", format!("“{typed}” already counts as a vote for."));
        }
        // Seconds that do not count may be anything.
        if self.is_on("until_reset", stored.until_reset) || self.text("mode") == Some(Mode::Momentum.as_str())
        {
            problems.remove("window_secs");
        }
        match version {
            Ok(version) if problems.is_empty() => Ok((settings, version)),
            _ => Err(problems),
        }
    }

    /// The page again, with every value as it was typed.
    pub(super) fn into_form(self, stored: &VersionedSettings, problems: Problems) -> SettingsForm {
        let mut form = SettingsForm::of(stored);
        for field in fields::all() {
            let typed = || self.text(field.name).unwrap_or_default().to_owned();
            let shown = match field.kind {
                Kind::Triggers(_) => FieldValue::Rows(self.rows(field.name).to_vec()),
                Kind::Label(_) | Kind::Slider => FieldValue::Text(typed()),
                Kind::Seconds | Kind::Choice(_) | Kind::Colour if self.values.contains_key(field.name) => {
                    FieldValue::Text(typed())
                }
                Kind::CheckBox => FieldValue::On(self.is_on(field.name, form.is_on(field.name))),
                _ => continue,
            };
            form.values.insert(field.name, shown);
        }
        form.version = self.version.unwrap_or_default();
        form.problems = problems;
        form
    }

    /// As the settings document holds it; `None` keeps what is stored. Text that is no number is null, which is none.
    fn value_of(&self, field: &Field) -> Option<Value> {
        let text = self.text(field.name).map(str::trim);
        match field.kind {
            Kind::Triggers(_) => Some(self.rows(field.name).into()),
            Kind::Label(_) => Some(text.unwrap_or_default().into()),
            Kind::Slider => Some(
                text.and_then(|text| Number::from_f64(text.parse().ok()?)).map_or(Value::Null, Value::Number),
            ),
            Kind::Seconds => text.map(|text| text.parse::<u8>().map_or(Value::Null, Value::from)),
            Kind::Choice(_) | Kind::Colour => text.map(Value::from),
            Kind::CheckBox if self.has_check_boxes || text.is_some() => Some(text.is_some().into()),
            Kind::CheckBox => None,
        }
    }

    fn rows(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.rows(name).first().map(String::as_str)
    }

    fn is_on(&self, name: &str, stored: bool) -> bool {
        self.values.contains_key(name) || (!self.has_check_boxes && stored)
    }
}

/// The settings with another value of one field, or what is wrong with that value.
fn replaced(settings: &OverlaySettings, field: &Field, value: Value) -> Result<OverlaySettings, String> {
    let mut document = serde_json::to_value(settings).map_err(|error| error.to_string())?;
    document[field.key] = value;
    serde_json::from_value(document).map_err(|error| match (field.kind, field.kind.limits()) {
        (Kind::Seconds, Some((min, max))) => format!("A whole number from {min} to {max}."),
        (_, Some((min, max))) => format!("A number from {min} to {max}."),
        (_, None) => sentence(&error.to_string()),
    })
}

/// A fragment as the domain's errors say it, as a sentence.
fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

/// Optional: a page that does not send it replaces whatever is stored.
fn parse_version(typed: Option<&str>) -> Result<Option<SettingsVersion>, String> {
    match typed.map(str::trim).filter(|typed| !typed.is_empty()) {
        None => Ok(None),
        Some(typed) => typed
            .parse()
            .map(|version| Some(SettingsVersion(version)))
            .map_err(|_| "The page’s version got lost. Reload the page.".to_owned()),
    }
}

/// Whether a pair is UTF-8 once its escapes are undone.
fn is_utf8(pair: &[u8]) -> bool {
    let spaced: Vec<u8> = pair.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_encoding::percent_decode(&spaced).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::appearance::Theme;
    use chatpulse_domain::overlay::PauseState;
    use chatpulse_domain::window::{Window, WindowSecs};

    use super::*;

    const GOOD: &str = "for_trigger=yes&for_trigger=&against_trigger=no&left_label=Nope&right_label=Do+it%21&decay_speed=0.7&version=4";

    fn stored(settings: OverlaySettings) -> VersionedSettings {
        VersionedSettings { settings, pause_state: PauseState::default(), version: SettingsVersion(3) }
    }

    fn parse(form: &str) -> Result<(OverlaySettings, Option<SettingsVersion>), Problems> {
        SettingsInput::read(form.as_bytes()).parse(&OverlaySettings::default())
    }

    fn fields(form: &str) -> Vec<&'static str> {
        parse(form).unwrap_err().into_keys().collect()
    }

    #[test]
    fn a_good_form_becomes_settings() {
        let (settings, version) = parse(GOOD).unwrap();
        assert_eq!(settings.right_label.as_str(), "Do it!");
        assert_eq!(settings.for_triggers.typed().collect::<Vec<_>>(), ["yes"]);
        assert_eq!(version, Some(SettingsVersion(4)));
    }

    #[test]
    fn every_missing_field_is_its_own_problem() {
        let all = ["against_trigger", "decay_speed", "for_trigger", "left_label", "right_label"];
        assert_eq!(fields(""), all);
    }

    #[test]
    fn a_number_with_anything_behind_it_is_no_number() {
        for bad in ["0.5abc", "NaN", "inf", "0.05", "2.1", "", "1,5", "0x1"] {
            assert_eq!(fields(&GOOD.replace("0.7", bad)), ["decay_speed"], "{bad:?}");
        }
        assert!(parse(&GOOD.replace("0.7", "+2.0+")).is_ok(), "white space around it is fine");
    }

    #[test]
    fn a_trigger_on_both_sides_is_said_beside_the_against_side() {
        assert_eq!(fields(&GOOD.replace("against_trigger=no", "against_trigger=YES+")), ["against_trigger"]);
        let no_other_side = "left_label=l&right_label=r&decay_speed=1&against_trigger=yes";
        assert_eq!(fields(no_other_side), ["for_trigger"], "the stored side is not compared");
    }

    #[test]
    fn a_version_that_is_no_number_is_said() {
        assert_eq!(fields(&GOOD.replace("version=4", "version=four")), ["version"]);
        assert_eq!(parse(&GOOD.replace("&version=4", "")).unwrap().1, None);
    }

    #[test]
    fn a_field_that_was_not_sent_keeps_what_is_stored() {
        let known: OverlaySettings =
            serde_json::from_str(r#"{"hint":true,"until_reset":true,"mood":"of a newer version"}"#).unwrap();
        let parsed = |form: &str| SettingsInput::read(form.as_bytes()).parse(&known).unwrap().0;
        let old = parsed(GOOD);
        assert_eq!((old.hint, old.window()), (true, Window::UntilReset));
        assert_eq!(old.unknown, known.unknown);
        let new = parsed(&format!("{GOOD}&boxes=1&theme=light&window_secs=+60+&counts=on&mode=share"));
        assert_eq!((new.theme, new.hint, new.counts), (Theme::Light, false, true));
        assert_eq!(new.mode, Mode::Share);
        assert_eq!(new.window(), Window::Last(WindowSecs::new(60).unwrap()));
    }

    #[test]
    fn a_choice_that_is_not_offered_is_its_own_problem() {
        let form = format!(
            "{GOOD}&boxes=1&measure=tide&window_secs=4&shape=&theme=Dark&for_colour=red&against_colour=%23fff&position=up"
        );
        let all = ["against_colour", "for_colour", "mode", "position", "shape", "theme", "window_secs"];
        assert_eq!(fields(&form), all);
    }

    #[test]
    fn seconds_that_do_not_count_may_be_anything() {
        for form in ["boxes=1&window_secs=&until_reset=on", "window_secs=x&mode=momentum"] {
            assert!(parse(&format!("{GOOD}&{form}")).is_ok(), "{form}");
        }
        assert_eq!(fields(&format!("{GOOD}&window_secs=300&mode=share")), ["window_secs"]);
    }

    #[test]
    fn a_problem_is_a_sentence_with_the_limit() {
        let form =
            format!("left_label={}&right_label=&decay_speed=9&for_trigger=a%00b&mode=x", "x".repeat(51));
        let problems = parse(&form).unwrap_err();
        let expected = [
            ("against_trigger", "Add at least one word that counts as a vote."),
            ("decay_speed", "A number from 0.1 to 2."),
            ("for_trigger", "This holds an invisible control character (U+0000); delete it."),
            ("left_label", "A label is at most 50 characters long, this one has 51."),
            ("mode", "Choose one of these."),
            ("right_label", "A label has at least one character."),
        ];
        let said: Vec<(&str, &str)> =
            problems.iter().map(|(field, problem)| (*field, problem.as_str())).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn what_no_database_can_hold_is_refused() {
        assert_eq!(fields(&GOOD.replace("Nope", "a%00b")), ["left_label"]);
    }

    #[test]
    fn a_refused_form_shows_what_was_typed_and_what_is_stored() {
        let input =
            SettingsInput::read(b"for_trigger=a&for_trigger=+&left_label=<b>&theme=neon&boxes=1&version=9");
        let known = OverlaySettings { hint: true, mode: Mode::Share, ..OverlaySettings::default() };
        let problems = input.parse(&known).unwrap_err();
        let form = input.into_form(&stored(known), problems);
        assert_eq!(
            (form.rows("for_trigger"), form.rows("against_trigger")),
            (&["a", " "].map(str::to_owned)[..], &[][..])
        );
        assert_eq!(
            (form.text("left_label"), form.text("right_label"), form.text("theme")),
            ("<b>", "", "neon")
        );
        assert_eq!((form.text("mode"), form.text("window_secs"), form.is_on("hint")), ("share", "30", false));
        assert!(form.problem("theme").is_some() && form.problem("mode").is_none());
        assert_eq!(form.version, "9");
    }
}
