//! The values of the settings form as the page shows them.

use std::collections::BTreeMap;

use chatpulse_domain::overlay::VersionedSettings;
use serde_json::Value;

use super::fields;

/// Field name to what is wrong with it, as a sentence.
pub(crate) type Problems = BTreeMap<&'static str, String>;

/// The values that the page shows: the stored ones, or refused ones as they were typed.
#[derive(Debug, Clone)]
pub(crate) struct SettingsForm {
    pub(super) values: BTreeMap<&'static str, FieldValue>,
    /// The version that the page is made from.
    pub(super) version: String,
    /// What is wrong, by field.
    pub(super) problems: Problems,
}

/// The value of one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldValue {
    /// Triggers.
    Rows(Vec<String>),
    /// Anything else that is typed or chosen.
    Text(String),
    /// A check box.
    On(bool),
}

impl SettingsForm {
    /// As stored.
    pub(super) fn of(stored: &VersionedSettings) -> Self {
        // Settings hold nothing that JSON cannot express.
        let document = serde_json::to_value(&stored.settings).unwrap_or_default();
        Self {
            values: fields::all().map(|field| (field.name, shown(&document[field.key]))).collect(),
            version: stored.version.0.to_string(),
            problems: Problems::new(),
        }
    }

    /// The rows of triggers.
    pub(super) fn rows(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(FieldValue::Rows(rows)) => rows,
            _ => &[],
        }
    }

    /// The text of anything but triggers and check boxes.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(FieldValue::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether a check box is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.values.get(name) == Some(&FieldValue::On(true))
    }

    /// What is wrong with a field.
    pub(super) fn problem(&self, name: &str) -> Option<&str> {
        self.problems.get(name).map(String::as_str)
    }
}

fn shown(value: &Value) -> FieldValue {
    match value {
        Value::Bool(is_on) => FieldValue::On(*is_on),
        Value::Array(rows) => {
            FieldValue::Rows(rows.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Value::String(text) => FieldValue::Text(text.clone()),
        // `1`, not `1.0`: as the slider says it.
        other => FieldValue::Text(other.as_f64().unwrap_or_default().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::overlay::{PauseState, SettingsVersion};

    use super::*;

    #[test]
    fn stored_numbers_are_shown_as_the_slider_says_them() {
        let stored = VersionedSettings {
            settings: serde_json::from_str(r#"{"decay_speed":1.0}"#).unwrap(),
            pause_state: PauseState::default(),
            version: SettingsVersion(3),
        };
        let form = SettingsForm::of(&stored);
        assert_eq!((form.text("decay_speed"), form.text("window_secs")), ("1", "30"));
    }
}
