//! `chatpulse migrate`: updates the database schema.

use std::process::ExitCode;

use chatpulse_store_embedded::SqliteFile;

use super::serve::runtime;
use crate::settings::{Database, Settings};
use crate::wiring::stores::fleet;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let stores = Settings::load_stores()?;
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
    Ok(ExitCode::SUCCESS)
}
