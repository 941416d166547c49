//! `chatpulse migrate`: the database, brought up to date.

use std::process::ExitCode;

use chatpulse_store_embedded::SqliteFile;

use super::serve::runtime;
use crate::settings::{Database, Settings};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let stores = Settings::load_stores()?;
    if let Database::Sqlite { path } = &stores.database {
        runtime()?.block_on(SqliteFile::migrate(path))?;
        println!("{} is up to date.", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
