//! The settings form: from what was typed to settings that are valid, or to words beside each field.

mod extras;

use std::collections::BTreeMap;

use chatpulse_domain::label::{InvalidLabel, Label};
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::trigger::{InvalidTrigger, InvalidTriggers, Trigger, TriggerSet};

use super::view::{FormProblems, SettingsForm};
use extras::ExtrasInput;

/// Field name to what is wrong with it.
pub(super) type Problems = BTreeMap<&'static str, String>;

/// What was typed, unchecked.
#[derive(Debug, Default)]
pub(super) struct SettingsInput {
    pub(super) csrf_token: Option<String>,
    for_triggers: Vec<String>,
    against_triggers: Vec<String>,
    left_label: Option<String>,
    right_label: Option<String>,
    decay_speed: Option<String>,
    version: Option<String>,
    extras: ExtrasInput,
    /// Fields whose bytes are no text.
    malformed: Vec<&'static str>,
}

/// Those that a streamer fills in.
const FIELDS: [&str; 6] =
    ["for_trigger", "against_trigger", "left_label", "right_label", "decay_speed", "version"];

/// Whether what a field holds is text once its escapes are undone.
fn is_text(pair: &[u8]) -> bool {
    let spaced: Vec<u8> = pair.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_encoding::percent_decode(&spaced).decode_utf8().is_ok()
}

impl SettingsInput {
    /// Unknown fields are ignored; of a field that may come once, the first counts.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut input = Self::default();
        for pair in body.split(|byte| *byte == b'&') {
            let Some((name, value)) = url::form_urlencoded::parse(pair).next() else { continue };
            let value = value.into_owned();
            if !is_text(pair) {
                let mut known = FIELDS.iter().chain(&ExtrasInput::FIELDS);
                input.malformed.extend(known.find(|field| **field == name));
            }
            match name.as_ref() {
                "for_trigger" => input.for_triggers.push(value),
                "against_trigger" => input.against_triggers.push(value),
                "csrf_token" => drop(input.csrf_token.get_or_insert(value)),
                "left_label" => drop(input.left_label.get_or_insert(value)),
                "right_label" => drop(input.right_label.get_or_insert(value)),
                "decay_speed" => drop(input.decay_speed.get_or_insert(value)),
                "version" => drop(input.version.get_or_insert(value)),
                name => input.extras.take(name, value),
            }
        }
        input
    }

    /// All problems at once, each under its field's name. What a form does not speak of stays as it is stored.
    pub(super) fn parse(
        &self,
        stored: &OverlaySettings,
    ) -> Result<(OverlaySettings, Option<SettingsVersion>), Problems> {
        let mut problems = Problems::new();
        for field in &self.malformed {
            problems.insert(field, "This is no text that can be read. Type it again.".to_owned());
        }
        let in_favor = noted(&mut problems, "for_trigger", triggers(&self.for_triggers));
        let against = noted(&mut problems, "against_trigger", triggers(&self.against_triggers));
        let left = noted(&mut problems, "left_label", label(self.left_label.as_deref()));
        let right = noted(&mut problems, "right_label", label(self.right_label.as_deref()));
        let decay = noted(&mut problems, "decay_speed", decay(self.decay_speed.as_deref()));
        let version = noted(&mut problems, "version", version(self.version.as_deref()));
        let shared = in_favor
            .as_ref()
            .zip(against.as_ref())
            .and_then(|(in_favor, against)| against.shared_with(in_favor));
        if let Some(typed) = shared {
            problems.insert("against_trigger", format!("“{typed}” already counts as a vote for."));
        }
        let settings = self.extras.parse(stored, &mut problems);
        let (
            Some(for_triggers),
            Some(against_triggers),
            Some(left_label),
            Some(right_label),
            Some(decay_speed),
        ) = (in_favor, against, left, right, decay)
        else {
            return Err(problems);
        };
        let Some(version) = version else {
            return Err(problems);
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok((
            OverlaySettings {
                for_triggers,
                against_triggers,
                left_label,
                right_label,
                decay_speed,
                ..settings
            },
            version,
        ))
    }

    /// The page again, with every value as it was typed.
    pub(super) fn into_form(self, stored: &OverlaySettings, mut problems: Problems) -> SettingsForm {
        SettingsForm {
            for_triggers: self.for_triggers,
            against_triggers: self.against_triggers,
            left_label: self.left_label.unwrap_or_default(),
            right_label: self.right_label.unwrap_or_default(),
            decay_speed: self.decay_speed.unwrap_or_default(),
            version: self.version.unwrap_or_default(),
            problems: FormProblems {
                for_trigger: problems.remove("for_trigger"),
                against_trigger: problems.remove("against_trigger"),
                left_label: problems.remove("left_label"),
                right_label: problems.remove("right_label"),
                decay_speed: problems.remove("decay_speed"),
                version: problems.remove("version"),
            },
            choices: self.extras.into_choices(stored, problems),
        }
    }
}

/// The form as stored settings fill it.
pub(super) fn form_of(stored: &VersionedSettings) -> SettingsForm {
    let VersionedSettings { settings, version, .. } = stored;
    let typed = |side| settings.triggers(side).typed().map(str::to_owned).collect();
    SettingsForm {
        for_triggers: typed(Side::For),
        against_triggers: typed(Side::Against),
        left_label: settings.left_label.as_str().to_owned(),
        right_label: settings.right_label.as_str().to_owned(),
        decay_speed: settings.decay_speed.per_second().to_string(),
        version: version.0.to_string(),
        problems: FormProblems::default(),
        choices: extras::choices_of(settings),
    }
}

fn noted<T>(problems: &mut Problems, field: &'static str, parsed: Result<T, String>) -> Option<T> {
    parsed.map_err(|words| problems.insert(field, words)).ok()
}

fn triggers(rows: &[String]) -> Result<TriggerSet, String> {
    TriggerSet::parse(rows.iter().map(String::as_str)).map_err(|problem| match problem {
        InvalidTriggers::None => "Add at least one word that counts as a vote.".to_owned(),
        InvalidTriggers::TooMany { count } => {
            format!("Up to {} triggers a side; these are {count}. Remove some.", TriggerSet::MAX)
        }
        InvalidTriggers::Row(InvalidTrigger::TooLong { chars }) => {
            format!("A trigger is at most {} characters long; one has {chars}.", Trigger::CHARS_MAX)
        }
        InvalidTriggers::Row(InvalidTrigger::NotStorable) => NOT_STORABLE.to_owned(),
    })
}

fn label(typed: Option<&str>) -> Result<Label, String> {
    Label::parse(typed.unwrap_or_default()).map_err(|problem| match problem {
        InvalidLabel::Empty => "A label has at least one character.".to_owned(),
        InvalidLabel::TooLong { chars } => {
            format!("A label is at most {} characters long; this one has {chars}.", Label::CHARS_MAX)
        }
        InvalidLabel::NotStorable => NOT_STORABLE.to_owned(),
    })
}

fn decay(typed: Option<&str>) -> Result<DecaySpeed, String> {
    let number =
        typed.and_then(|typed| typed.trim().parse().ok()).and_then(|number| DecaySpeed::new(number).ok());
    number.ok_or_else(|| format!("Drift is a number from {} to {}.", DecaySpeed::MIN, DecaySpeed::MAX))
}

/// Optional: a page that does not send it replaces whatever is there.
fn version(typed: Option<&str>) -> Result<Option<SettingsVersion>, String> {
    match typed.map(str::trim).filter(|typed| !typed.is_empty()) {
        None => Ok(None),
        Some(typed) => typed
            .parse()
            .map(|version| Some(SettingsVersion(version)))
            .map_err(|_| "The page’s version got lost. Reload the page.".to_owned()),
    }
}

const NOT_STORABLE: &str = "This holds a character that cannot be stored.";

#[cfg(test)]
mod tests {
    use chatpulse_domain::appearance::Theme;
    use chatpulse_domain::mode::Mode;
    use chatpulse_domain::window::{Window, WindowSecs};

    use super::*;

    const GOOD: &str = "for_trigger=yes&for_trigger=&against_trigger=no&left_label=Nope&right_label=Do+it%21&decay_speed=0.7&version=4";

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
        assert!(parse(&GOOD.replace("0.7", "+2.0+")).is_ok(), "blanks round it are fine");
    }

    #[test]
    fn a_trigger_on_both_sides_is_said_beside_the_against_side() {
        assert_eq!(fields(&GOOD.replace("against_trigger=no", "against_trigger=YES+")), ["against_trigger"]);
    }

    #[test]
    fn a_version_that_is_none_is_said() {
        assert_eq!(fields(&GOOD.replace("version=4", "version=four")), ["version"]);
        assert_eq!(parse(&GOOD.replace("&version=4", "")).unwrap().1, None);
    }

    #[test]
    fn what_a_form_does_not_speak_of_stays_as_it_is_stored() {
        let mut stored = OverlaySettings::default();
        (stored.hint, stored.until_reset) = (true, true);
        let parsed = |form: &str| SettingsInput::read(form.as_bytes()).parse(&stored).unwrap().0;
        let old = parsed(GOOD);
        assert_eq!((old.hint, old.window()), (true, Window::UntilReset));
        let new = parsed(&format!("{GOOD}&boxes=1&theme=light&window_secs=+60+&counts=on&measure=share"));
        assert_eq!((new.theme, new.hint, new.counts), (Theme::Light, false, true));
        assert_eq!(new.mode, Mode::Share);
        assert_eq!(new.window(), Window::Last(WindowSecs::new(60).unwrap()));
    }

    #[test]
    fn a_choice_that_is_none_is_its_own_problem() {
        let form = format!(
            "{GOOD}&boxes=1&measure=tide&window_secs=4&shape=&theme=Dark&for_colour=red&against_colour=%23fff&position=up"
        );
        let all = ["against_colour", "for_colour", "measure", "position", "shape", "theme", "window_secs"];
        assert_eq!(fields(&form), all);
        assert!(
            parse(&format!("{GOOD}&boxes=1&window_secs=&until_reset=on")).is_ok(),
            "nobody looks at the seconds"
        );
    }

    #[test]
    fn what_no_database_can_hold_is_refused() {
        assert_eq!(fields(&GOOD.replace("Nope", "a%00b")), ["left_label"]);
    }
}
