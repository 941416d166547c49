//! Configuration problems, as text for people or JSON for machines.

use std::fmt;

use chatpulse_telemetry::logging::LogFormat;

use super::found::Found;
use crate::fatal;

/// One configuration problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) name: &'static str,
    pub(super) found: Found,
    pub(super) expected: String,
}

/// All configuration problems, reported together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems {
    pub(super) problems: Vec<Problem>,
    /// The format in which they are reported; text where `LOG_FORMAT` itself is a problem.
    pub(super) format: LogFormat,
}

impl Default for Problems {
    fn default() -> Self {
        Self { problems: Vec::new(), format: LogFormat::Text }
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// Returns the report: for machines one JSON object a line, as the log has it.
    pub(crate) fn report(&self) -> String {
        match self.format {
            LogFormat::Text => self.to_string(),
            LogFormat::Json => self.problems.iter().map(Problem::json).collect::<Vec<_>>().join("\n"),
        }
    }
}

impl Problem {
    fn json(&self) -> String {
        let Self { name, found, expected } = self;
        let message = format!("configuration problem: {name}: found {found}; expected {expected}");
        fatal::json_line(
            &message,
            &[("variable", name), ("found", &found.to_string()), ("expected", expected)],
        )
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(f, "chatpulse: the configuration has {count} {noun}; nothing was started.")?;
        for problem in &self.problems {
            write!(
                f,
                "\n  {}\n    found     {}\n    expected  {}\n",
                problem.name, problem.found, problem.expected
            )?;
        }
        write!(f, "\nEvery variable is explained in .env.example.")
    }
}
