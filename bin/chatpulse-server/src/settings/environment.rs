//! Environment variables, and the problems found in them.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// Names and values from any source; tests supply their own.
#[derive(Default)]
pub(crate) struct Environment {
    values: HashMap<String, String>,
    /// Why an existing `.env` could not be read.
    unreadable: Option<String>,
}

impl Environment {
    /// Reads the process environment, which overrides the file `.env` in the current folder.
    pub(crate) fn of_process() -> Self {
        let mut environment = Self::default();
        match dotenvy::from_path_iter(".env") {
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok((name, value)) => drop(environment.values.insert(name, value)),
                        Err(error) => environment.unreadable = Some(without_values(&error)),
                    }
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => environment.unreadable = Some(without_values(&error)),
        }
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.overrule(name, value);
            }
        }
        environment
    }

    /// Overrides a value from the file. An empty value counts as unset and leaves the value from the file.
    fn overrule(&mut self, name: String, value: String) {
        if !value.trim().is_empty() {
            self.values.insert(name, value);
        }
    }

    /// Uses exactly these variables.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { values, unreadable: None }
    }

    /// Returns the value. An empty value counts as unset.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Formats an error without the line's text, because a line of `.env` may contain a secret. The message names only the
/// position.
fn without_values(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, at) => {
            format!(
                "a line cannot be read near its character {at}; put values with spaces, # or $ into single quotes"
            )
        }
        other => other.to_string(),
    }
}

/// One configuration problem.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    name: &'static str,
    found: String,
    expected: String,
}

/// All configuration problems, reported together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(f, "chatpulse: the configuration has {count} {noun}; nothing was started.")?;
        for problem in &self.0 {
            write!(
                f,
                "\n  {}\n    found     {}\n    expected  {}\n",
                problem.name, problem.found, problem.expected
            )?;
        }
        write!(f, "\nEvery variable is explained in .env.example.")
    }
}

/// Reads variables and collects problems. A variable that could not be read is `None`.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let mut reader = Self { environment, problems: Vec::new() };
        if let Some(why) = &environment.unreadable {
            reader.problem(".env", why.clone(), "lines of the form NAME=value");
        }
        reader
    }

    pub(super) fn finish(self) -> Result<(), Problems> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }

    pub(super) fn problem(
        &mut self,
        name: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.problems.push(Problem { name, found: found.into(), expected: expected.into() });
    }

    pub(super) fn text(&self, name: &'static str) -> Option<&'a str> {
        self.environment.get(name)
    }

    /// Reads a required variable.
    pub(super) fn required(&mut self, name: &'static str, expected: &str) -> Option<&'a str> {
        let value = self.text(name);
        if value.is_none() {
            self.problem(name, "nothing: it is not set", expected);
        }
        value
    }

    /// Reads an optional variable. `None` means malformed, `Some(None)` means not set.
    #[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(text) = self.text(name) else {
            return Some(None);
        };
        let parsed = parse(text);
        if parsed.is_none() {
            self.problem(name, shown(text), expected);
        }
        parsed.map(Some)
    }

    /// Reads a variable that has a default.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        default: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name).unwrap_or(default);
        let parsed = parse(text);
        if parsed.is_none() {
            self.problem(name, shown(text), expected);
        }
        parsed
    }

    /// Like [`Reader::optional`], for secrets: problems never show the value.
    #[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
    pub(super) fn secret<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(text) = self.text(name) else {
            return Some(None);
        };
        let parsed = parse(text);
        if parsed.is_none() {
            self.problem(name, hidden(text), expected);
        }
        parsed.map(Some)
    }

    pub(super) fn count(&mut self, name: &'static str, default: u32, at_least: u32) -> Option<u32> {
        let expected = format!("a whole number of at least {at_least}");
        self.parse(name, &default.to_string(), &expected, |text| {
            text.parse().ok().filter(|count| *count >= at_least)
        })
    }

    /// Reads a duration greater than zero.
    pub(super) fn duration(&mut self, name: &'static str, default: Duration) -> Option<Duration> {
        let default = format!("{}ms", default.as_millis());
        self.parse(name, &default, "a duration longer than zero, such as 50ms, 30s, 5m or 168h", |text| {
            parse_duration(text).filter(|duration| !duration.is_zero())
        })
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.parse(name, "false", "`true` or `false`", |text| text.to_ascii_lowercase().parse().ok())
    }
}

/// Truncates long values to keep the report readable.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    if short.len() < text.len() { format!("`{short}…`") } else { format!("`{text}`") }
}

pub(super) fn hidden(text: &str) -> String {
    format!("a value of {} characters (not shown)", text.chars().count())
}

/// Parses a whole number with a unit: `50ms`, `30s`, `5m`, `168h`.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let ms_per_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(ms_per_unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!(parse_duration("50ms"), Some(Duration::from_millis(50)));
        assert_eq!(parse_duration("168h"), Some(Duration::from_hours(168)));
        for bad in
            ["", "5", "s", "1.5s", "-1s", "5 s", "5S", "99999999999999999999h", "18446744073709551615h"]
        {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
