//! Errors that end the process, written in the format of the log, so that a log collector reads them too.

use chatpulse_telemetry::logging::LogFormat;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Writes an error with its causes to standard error. It does not pass the log's filter, because whoever reads the log
/// has to learn why the process ended.
pub(crate) fn report(error: &anyhow::Error, format: LogFormat) {
    match format {
        LogFormat::Text => eprintln!("chatpulse: {error:#}"),
        LogFormat::Json => eprintln!("{}", json_line(&format!("{error:#}"), &[])),
    }
}

/// Returns an error as one JSON object, with the keys that log lines have.
pub(crate) fn json_line(message: &str, fields: &[(&str, &str)]) -> String {
    let timestamp = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    let head = [
        ("timestamp", timestamp.as_str()),
        ("level", "ERROR"),
        ("message", message),
        ("target", "chatpulse"),
    ];
    let all = head.iter().chain(fields).map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
    Value::Object(all.collect::<Map<_, _>>()).to_string()
}
