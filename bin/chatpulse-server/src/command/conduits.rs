//! `chatpulse conduits`: lists the conduits of the Twitch application and deletes one that is not ours. Twitch allows five
//! for each client id, and each database that was ever used with it may have made one.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_store_embedded::{OpenError, SqliteFile, SqliteSubscriptions};
use chatpulse_twitch::feed::inventory::{ListedConduit, delete, list};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::twitch_clock::TwitchClock;

use super::serve::runtime;
use super::{ConduitCommand, ConduitOptions};
use crate::clock::SystemClock;
use crate::settings::{Database, Settings};
use crate::wiring::stores::fleet;
use crate::wiring::twitch_config;

pub(crate) fn run(options: &ConduitOptions) -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    runtime()?.block_on(async {
        let clock = TwitchClock::new(Arc::new(SystemClock));
        let helix = Helix::new(twitch_config(&settings)?, clock, None)?;
        let records = records(&settings).await?;
        let conduits = list(&helix, records.as_deref()).await.context("the conduits are not known")?;
        match &options.command {
            None => print_all(&conduits),
            Some(ConduitCommand::Delete { id, yes }) => delete_one(&helix, &conduits, id, *yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Opens the records of which conduit is ours. `None`: this database was never used, so none is.
async fn records(settings: &Settings) -> anyhow::Result<Option<Box<dyn SubscriptionRepository>>> {
    const UNKNOWN: &str = "without the database it is not known which conduit is ours";
    match &settings.stores.database {
        Database::Sqlite { path } => match SqliteFile::open_for_check(path).await {
            Ok(opened) => Ok(Some(Box::new(SqliteSubscriptions::new(opened.file)))),
            Err(OpenError::Missing { .. }) => Ok(None),
            Err(error) => Err(error).context(UNKNOWN),
        },
        Database::Postgres(pg) => Ok(Some(fleet::open_records(pg).await.context(UNKNOWN)?)),
        Database::InMemory => Ok(None),
    }
}

fn print_all(conduits: &[ListedConduit]) {
    if conduits.is_empty() {
        println!("This Twitch application has no conduit; the server makes one when it starts.");
        return;
    }
    for conduit in conduits {
        let owner = if conduit.is_ours { "ours" } else { "not ours" };
        println!("{}  {owner}, {}", conduit.id, shards_in_words(conduit));
        for (index, status) in &conduit.shards {
            let index = index.map_or_else(|| "?".to_owned(), |index| index.to_string());
            println!("    shard {index}: {status}");
        }
    }
    if conduits.iter().any(|conduit| !conduit.is_ours) {
        println!("Delete one that nobody uses any more with `chatpulse conduits delete ID`.");
    }
}

fn shards_in_words(conduit: &ListedConduit) -> String {
    let noun = if conduit.shard_count == 1 { "shard" } else { "shards" };
    format!("{} {noun}, {} enabled", conduit.shard_count, conduit.enabled())
}

async fn delete_one(helix: &Helix, conduits: &[ListedConduit], id: &str, yes: bool) -> anyhow::Result<()> {
    let Some(conduit) = conduits.iter().find(|conduit| conduit.id == id) else {
        anyhow::bail!(
            "this Twitch application has no conduit {id}: `chatpulse conduits` lists those that it has"
        );
    };
    if conduit.is_ours {
        anyhow::bail!(
            "{id} is the conduit of this deployment, which reads chat through it; it is not deleted"
        );
    }
    if !yes && !is_confirmed(conduit)? {
        anyhow::bail!("not deleted; confirm with `y`, or with --yes where nobody can answer");
    }
    delete(helix, conduit).await.with_context(|| format!("{id} could not be deleted"))?;
    println!("Deleted {id}.");
    Ok(())
}

/// Asks on standard output, and reads one line. The end of the input is a no.
fn is_confirmed(conduit: &ListedConduit) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}: {}.", conduit.id, shards_in_words(conduit))?;
    if conduit.enabled() > 0 {
        writeln!(out, "Another deployment reads chat through it now. Its votes stop when it is deleted.")?;
    }
    write!(out, "Delete it, with all that is delivered through it? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
