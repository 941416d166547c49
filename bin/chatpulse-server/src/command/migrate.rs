//! `chatpulse migrate`: updates the database schema.

use std::process::ExitCode;

use chatpulse_store_embedded::SqliteFile;

use super::serve::runtime;
use crate::fatal;
use crate::settings::{Database, Settings, StoreSettings};
use crate::wiring::stores::fleet;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let (stores, format) = Settings::load_stores()?;
    Ok(migrate(&stores).map_or_else(
        |error| {
            fatal::report(&error, format);
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
}

fn migrate(stores: &StoreSettings) -> anyhow::Result<()> {
    match &stores.database {
        Database::Sqlite { path } => {
            runtime()?.block_on(SqliteFile::migrate(path))?;
            println!("{} is up to date.", path.display());
        }
        Database::Postgres(pg) => {
            runtime()?.block_on(fleet::migrate(pg))?;
            println!("The database is up to date.");
        }
        Database::InMemory => {}
    }
    Ok(())
}
