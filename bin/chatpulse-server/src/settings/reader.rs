//! Reads variables into types, and collects the problems and warnings.

use std::collections::BTreeSet;
use std::time::Duration;

use chatpulse_telemetry::logging::LogFormat;

use super::catalogue::kind;
use super::environment::{Environment, FileProblem};
use super::found::Found;
use super::misspelt;
use super::problems::{Problem, Problems};

/// Reads variables and collects problems. A variable that could not be read is `None`.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
    /// What was read, for problems of a value that do not depend on its meaning.
    read: BTreeSet<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let mut reader = Self { environment, problems: Vec::new(), read: BTreeSet::new() };
        for problem in &environment.file_problems {
            match problem {
                FileProblem::Unreadable(why) => {
                    reader.problem(".env", why, "a text file in UTF-8, or no file of that name");
                }
                FileProblem::Line(line) => {
                    reader.problem(".env", *line, "lines of the form NAME=value, in UTF-8");
                }
            }
        }
        reader
    }

    pub(super) fn finish(self, format: LogFormat) -> Result<(), Problems> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problems { problems: self.problems, format }) }
    }

    /// Returns warnings about names that nobody reads but that are spelt almost like one of ours.
    pub(super) fn warnings(&self) -> Vec<String> {
        misspelt::warnings(self.environment)
    }

    pub(super) fn problem(
        &mut self,
        name: &'static str,
        found: impl Into<Found>,
        expected: impl Into<String>,
    ) {
        self.problems.push(Problem { name, found: found.into(), expected: expected.into() });
    }

    /// Reports a value, shown as far as the variable's kind allows.
    pub(super) fn refuse(&mut self, name: &'static str, text: &str, expected: impl Into<String>) {
        self.problem(name, Found::value(kind(name), text), expected);
    }

    /// Reports a value together with what is wrong with it.
    pub(super) fn refuse_because(
        &mut self,
        name: &'static str,
        text: &str,
        why: impl Into<Found>,
        expected: impl Into<String>,
    ) {
        self.problem(name, Found::value(kind(name), text).but(why), expected);
    }

    /// Checks a value, and reports what is wrong with it.
    pub(super) fn checked<T, F: Into<Found>>(
        &mut self,
        name: &'static str,
        text: &str,
        expected: impl Into<String>,
        check: impl FnOnce(&str) -> Result<T, F>,
    ) -> Option<T> {
        check(text).map_err(|why| self.refuse_because(name, text, why, expected)).ok()
    }

    /// Reads a variable's text. The first time it also reports what is wrong with any value.
    pub(super) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.first_text(name, &[name])
    }

    /// Like [`Reader::text`], for a variable that is also read under other names.
    pub(super) fn first_text(&mut self, name: &'static str, names: &[&str]) -> Option<&'a str> {
        let is_first = self.read.insert(name);
        let value = self.environment.find(names);
        if names.iter().any(|name| self.environment.not_utf8.contains(*name)) {
            if is_first {
                self.problem(name, "bytes that are not UTF-8", "text in UTF-8");
            }
            return None;
        }
        let value = value?;
        // `docker run --env-file` passes quotes on as part of the value. Those of `.env` are gone already.
        let Some(inside) = unquoted(value.text).filter(|_| value.is_of_process) else {
            return Some(value.text);
        };
        if is_first {
            let expected =
                "the value itself: only a shell and `.env` take quotes away (docker --env-file keeps them)";
            self.problem(name, "a value that is wrapped in quotes", expected);
        }
        Some(inside.trim()).filter(|text| !text.is_empty())
    }

    /// Reads a required variable.
    pub(super) fn required(&mut self, name: &'static str, expected: &str) -> Option<&'a str> {
        let value = self.text(name);
        if value.is_none() && !self.problems.iter().any(|problem| problem.name == name) {
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
            self.refuse(name, text, expected);
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
            self.refuse(name, text, expected);
        }
        parsed
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

    /// Reads a duration that may be zero.
    pub(super) fn duration_or_zero(&mut self, name: &'static str, default: Duration) -> Option<Duration> {
        let default = format!("{}ms", default.as_millis());
        self.parse(name, &default, "a duration such as 0s, 50ms, 30s or 5m", parse_duration)
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.parse(name, "false", "`true` or `false`", |text| text.to_ascii_lowercase().parse().ok())
    }
}

/// Returns what stands inside the quotes around a value.
fn unquoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
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
