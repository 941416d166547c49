//! Check results, as a table for people or as JSON for machines.

use std::fmt::Write as _;

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
    action: &'static str,
}

/// All check results, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn ok(&mut self, name: &'static str, found: impl Into<String>) {
        self.0.push(Finding { name, status: Verdict::Ok, found: found.into(), action: "" });
    }

    pub(super) fn warn(&mut self, name: &'static str, found: impl Into<String>, action: &'static str) {
        self.0.push(Finding { name, status: Verdict::Warning, found: found.into(), action });
    }

    pub(super) fn fail(&mut self, name: &'static str, found: impl Into<String>, action: &'static str) {
        self.0.push(Finding { name, status: Verdict::Failed, found: found.into(), action });
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
