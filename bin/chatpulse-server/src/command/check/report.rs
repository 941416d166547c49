//! Check results, as a table for people or as JSON for machines.

use std::borrow::Cow;
use std::fmt::Write as _;

use chatpulse_domain::clock_offset::ClockOffset;
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Failed,
}

#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    status: Verdict,
    found: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    action: Cow<'static, str>,
}

/// All check results, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn ok(&mut self, name: &'static str, found: impl Into<String>) {
        self.0.push(Finding { name, status: Verdict::Ok, found: found.into(), action: Cow::Borrowed("") });
    }

    pub(super) fn warn(
        &mut self,
        name: &'static str,
        found: impl Into<String>,
        action: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(Finding { name, status: Verdict::Warning, found: found.into(), action: action.into() });
    }

    pub(super) fn fail(
        &mut self,
        name: &'static str,
        found: impl Into<String>,
        action: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(Finding { name, status: Verdict::Failed, found: found.into(), action: action.into() });
    }

    /// Reports how far our clock is from another's. Votes count within ten minutes only, and logins expire.
    pub(super) fn clock(&mut self, name: &'static str, whose: &str, offset: ClockOffset) {
        if offset.is_far_off() {
            self.fail(
                name,
                format!("the clock of this machine is {offset} {whose}’s"),
                "set the clock, and let it follow a time server; votes count within ten minutes only",
            );
        } else {
            self.ok(name, format!("within five minutes of {whose}’s"));
        }
    }

    /// Returns whether a required check failed.
    pub(super) fn failed(&self) -> bool {
        self.0.iter().any(|finding| finding.status == Verdict::Failed)
    }

    pub(super) fn json(&self) -> String {
        let body = serde_json::json!({ "ok": !self.failed(), "checks": self.0 });
        serde_json::to_string_pretty(&body).unwrap_or_default()
    }

    pub(super) fn table(&self) -> String {
        let width = self.0.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
        let mut table = String::new();
        for finding in &self.0 {
            let word = match finding.status {
                Verdict::Ok => "ok     ",
                Verdict::Warning => "warning",
                Verdict::Failed => "FAILED ",
            };
            let _ = writeln!(table, "{word}  {:width$}  {}", finding.name, finding.found);
            if !finding.action.is_empty() {
                let _ = writeln!(table, "         {:width$}  → {}", "", finding.action);
            }
        }
        table.push_str(if self.failed() {
            "Something that ChatPulse needs does not work."
        } else {
            "ChatPulse can start."
        });
        table
    }
}
