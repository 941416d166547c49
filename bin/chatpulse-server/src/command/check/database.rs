//! Checks the database: reads it, and tries to write as a server would.

use std::io::Write as _;
use std::path::Path;

use chatpulse_domain::ports::health::HealthCheck as _;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::tokens::TokenRepository;
use chatpulse_store_embedded::{
    FileToCheck, OpenError, SqliteFile, SqliteStreamers, SqliteSubscriptions, SqliteTokens, WriteError,
};

use super::report::Report;
use super::{DO_AS_IT_SAYS, MIGRATE, fleet, with_cause};
use crate::settings::{Database, Settings};

/// Written to see whether there is room for a database.
const TRIAL_BYTES: usize = 256 * 1024;

/// The queries to a database whose schema is current.
pub(super) struct Accounts {
    pub(super) streamers: Box<dyn StreamerRepository>,
    pub(super) tokens: Box<dyn TokenRepository>,
    pub(super) subscriptions: Box<dyn SubscriptionRepository>,
}

pub(super) async fn check(settings: &Settings, report: &mut Report) -> anyhow::Result<Option<Accounts>> {
    match &settings.stores.database {
        Database::Sqlite { path } => Ok(check_file(path, report).await),
        Database::Postgres(pg) => fleet::check_postgres(pg, report).await,
        Database::InMemory => Ok(None),
    }
}

async fn check_file(path: &Path, report: &mut Report) -> Option<Accounts> {
    let shown = path.display();
    let opened = SqliteFile::open_for_check(path).await;
    if opened.is_ok()
        && let Err(error) = SqliteFile::try_write(path).await
    {
        report_refused_write(&error, report);
        return None;
    }
    match opened {
        Ok(FileToCheck { file, migrations_pending: 0 }) => match file.check().await {
            Ok(()) => {
                report.ok("database", format!("{shown} is whole, up to date and takes writes"));
                Some(Accounts {
                    streamers: Box::new(SqliteStreamers::new(file.clone())),
                    tokens: Box::new(SqliteTokens::new(file.clone())),
                    subscriptions: Box::new(SqliteSubscriptions::new(file)),
                })
            }
            Err(error) => {
                report.fail(
                    "database",
                    format!("{shown}: {error}"),
                    "see whether its disk is full or broken",
                );
                None
            }
        },
        Ok(FileToCheck { migrations_pending, .. }) => {
            let found = format!("{shown} needs {migrations_pending} migrations");
            report.warn("database", found, MIGRATE);
            None
        }
        Err(OpenError::Missing { .. }) => {
            match place_for(path) {
                Ok(()) => {
                    report.ok("database", format!("{shown} does not exist yet; the first start makes it"));
                }
                Err(error) => report.fail(
                    "database",
                    format!("{shown} does not exist, and cannot be made: {error}"),
                    "let DATABASE_URL name a file in a folder that this user may write to, on a disk with free space",
                ),
            }
            None
        }
        Err(error) => {
            report.fail("database", error.to_string(), DO_AS_IT_SAYS);
            None
        }
    }
}

fn report_refused_write(error: &WriteError, report: &mut Report) {
    let action = match error {
        WriteError::Full { .. } => "free space on its disk",
        WriteError::Refused { .. } => {
            "see whether its disk is full or broken, and let the user that runs ChatPulse write the file and its folder"
        }
    };
    report.fail("database", with_cause(error), action);
}

/// Checks whether the database file could be created, by writing and removing a file in the nearest existing parent
/// folder.
fn place_for(path: &Path) -> std::io::Result<()> {
    let parents = path
        .ancestors()
        .skip(1)
        .map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let Some(folder) = parents.into_iter().find(|parent| parent.exists()) else {
        return Err(std::io::ErrorKind::NotFound.into());
    };
    let trial = folder.join(format!(".chatpulse-check-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&trial)?;
    // An empty file has room on a full disk too.
    let written = file.write_all(&vec![0; TRIAL_BYTES]).and_then(|()| file.sync_all());
    drop(file);
    std::fs::remove_file(&trial)?;
    written
}
