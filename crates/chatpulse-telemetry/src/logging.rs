//! Log to standard error: text for people, JSON for machines.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::time::UtcTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a terminal.
    Text,
    /// One object per line.
    Json,
}

/// The filter is malformed.
#[derive(Debug, thiserror::Error)]
#[error("not a log filter: {0}")]
pub struct InvalidFilter(String);

/// What is logged: a level (`info`) or tracing's filter syntax (`info,chatpulse_twitch=debug`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Parses a filter and checks its syntax.
    pub fn parse(text: &str) -> Result<Self, InvalidFilter> {
        let level_or_directive = |part: &str| {
            let level = part.rsplit('=').next().unwrap_or(part).trim();
            // A bare name is a target. Accept only our own, so that a misspelt level is not taken for a target.
            part.contains('[')
                || part.trim().starts_with("chatpulse")
                || ["0", "1", "2", "3", "4", "5", "trace", "debug", "info", "warn", "error", "off"]
                    .contains(&level.to_lowercase().as_str())
        };
        if let Some(invalid) = text.split(',').find(|part| !level_or_directive(part)) {
            return Err(InvalidFilter(invalid.to_owned()));
        }
        EnvFilter::try_new(text).map_err(|error| InvalidFilter(error.to_string()))?;
        if text.contains(['=', ',', '[']) {
            return Ok(Self(text.to_owned()));
        }
        if ["off", "0"].contains(&text.to_lowercase().as_str()) || text.starts_with("chatpulse") {
            return Ok(Self(text.to_owned()));
        }
        // A plain level applies to our crates: libraries that log every start are limited to warnings. The audit log stays.
        let ours = ["actix_server", "refinery_core"].map(|library| format!(",{library}=warn")).concat();
        let ours = if text.eq_ignore_ascii_case("info") { ours } else { String::new() };
        Ok(Self(format!("{text},audit=info{ours}")))
    }
}

/// Starts logging. Call it once, before anything else.
pub fn start(filter: &LogFilter, format: LogFormat) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_timer(UtcTime::rfc_3339());
    let wanted =
        tracing_subscriber::registry().with(EnvFilter::new(&filter.0)).with(filter_fn(holds_no_secret));
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        LogFormat::Text => wanted.with(lines.with_target(false)).try_init(),
        LogFormat::Json => wanted.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// Returns false for library lines below `info`, which contain the data that libraries process: chat in sockets,
/// parameters of queries in databases. Only our own lines are known to contain no secrets, so no filter turns the
/// others on.
fn holds_no_secret(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || line.target().starts_with("chatpulse")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_level_keeps_the_audit_log() {
        assert_eq!(LogFilter::parse("warn").unwrap().0, "warn,audit=info");
        assert!(LogFilter::parse("info").unwrap().0.starts_with("info,audit=info,"));
        for as_written in ["off", "warn,audit=off", "chatpulse_web"] {
            assert_eq!(LogFilter::parse(as_written).unwrap().0, as_written);
        }
    }

    #[test]
    fn a_filter_is_a_level_or_tracing_syntax() {
        for good in
            ["info", "WARN", "info,chatpulse_twitch=debug", "off", "3", "chatpulse_web", "warn,chatpulse_web"]
        {
            assert!(LogFilter::parse(good).is_ok(), "{good}");
        }
        for bad in ["loud", "info,chatpulse=very", ""] {
            assert!(LogFilter::parse(bad).is_err(), "{bad}");
        }
    }
}
