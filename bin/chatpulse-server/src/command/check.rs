//! `chatpulse check`: reports what works and how to correct what does not, and promises nothing that `serve` would
//! refuse. It changes nothing, with one exception: it loads the functions into a Redis that has none or an older
//! version, because there is no other way to find out whether that is allowed.

mod database;
#[cfg_attr(not(feature = "fleet"), path = "check/no_fleet.rs")]
mod fleet;
mod keys;
mod listener;
mod report;
mod twitch;

use std::process::ExitCode;
use std::time::Duration;

use super::CheckOptions;
use super::serve::runtime;
use crate::open_files::OpenFiles;
use crate::settings::Settings;
use crate::wiring::private_files;
use report::Report;

const MIGRATE: &str = "run `chatpulse migrate`, or just start the server";
const DO_AS_IT_SAYS: &str = "do what it says, then check again";
/// Timeout of each check.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

pub(crate) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    let report = runtime()?.block_on(check(&settings))?;
    println!("{}", if options.json { report.json() } else { report.table() });
    Ok(if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn check(settings: &Settings) -> anyhow::Result<Report> {
    let mut report = Report::default();
    report.ok("configuration", "every variable makes sense");
    for warning in &settings.warnings {
        report.warn("configuration", warning, "correct the name, or ignore this if it is another program's");
    }
    check_open_files(settings, &mut report);
    listener::check(settings, &mut report).await;
    let database = database::check(settings, &mut report).await?;
    for warning in private_files::warnings(&settings.stores) {
        report.warn("private files", warning, "take the rights of group and others away");
    }
    match &settings.stores.redis {
        Some(redis) => fleet::check_redis(redis, &mut report).await?,
        None => report.ok("live state", "kept in this process"),
    }
    twitch::check(settings, database.as_ref(), &mut report).await?;
    if let Some(database) = &database {
        keys::check(settings, database.tokens.as_ref(), &mut report).await;
    }
    let streamers = database.as_ref().map(|database| database.streamers.as_ref());
    twitch::check_bot(settings, streamers, &mut report).await;
    Ok(report)
}

fn check_open_files(settings: &Settings, report: &mut Report) {
    let (name, files) = ("open files", OpenFiles::of_process(settings));
    match files.shortage() {
        Some((found, action)) => report.warn(name, found, action),
        None => report.ok(name, format!("{} may be open, {} are needed", files.limit, files.needed)),
    }
}

/// Formats an error with its causes, which hold the details. No cause contains a password.
fn with_cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
