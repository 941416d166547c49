//! `chatpulse check`: reports what works and how to correct what does not. It changes nothing, with one exception: it
//! loads the functions into a Redis that has none or an older version, because there is no other way to find out
//! whether that is allowed.

#[cfg_attr(not(feature = "fleet"), path = "check/no_fleet.rs")]
mod fleet;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::cipher::TokenCipher as _;
use chatpulse_domain::ports::health::HealthCheck as _;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenRepository};
use chatpulse_store_embedded::{
    FileToCheck, OpenError, SqliteFile, SqliteStreamers, SqliteSubscriptions, SqliteTokens,
};
use chatpulse_twitch::error::TwitchError;
use chatpulse_twitch::feed::inspect::{ChatConnection, inspect};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::tokens::RingCipher;
use tokio::time::timeout;

use super::CheckOptions;
use super::serve::runtime;
use crate::clock::SystemClock;
use crate::settings::{Database, Settings};
use crate::wiring::{DerivedKeys, private_files, twitch_config};
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
    let database = check_database(settings, &mut report).await?;
    for warning in private_files::warnings(&settings.stores) {
        report.warn("private files", warning, "take the rights of group and others away");
    }
    check_live_state(settings, &mut report).await?;
    check_twitch(settings, database.as_ref(), &mut report).await?;
    if let Some(database) = &database {
        check_tokens(settings, database.tokens.as_ref(), &mut report).await?;
    }
    let streamers = database.as_ref().map(|database| database.streamers.as_ref());
    check_bot(settings, streamers, &mut report).await;
    Ok(report)
}

/// Results of the queries to a database whose schema is current.
struct Accounts {
    streamers: Box<dyn StreamerRepository>,
    tokens: Box<dyn TokenRepository>,
    subscriptions: Box<dyn SubscriptionRepository>,
}

async fn check_database(settings: &Settings, report: &mut Report) -> anyhow::Result<Option<Accounts>> {
    match &settings.stores.database {
        Database::Sqlite { path } => Ok(check_file(path, report).await),
        Database::Postgres(pg) => fleet::check_postgres(pg, report).await,
        Database::InMemory => Ok(None),
    }
}

async fn check_file(path: &Path, report: &mut Report) -> Option<Accounts> {
    let shown = path.display();
    match SqliteFile::open_for_check(path).await {
        Ok(FileToCheck { file, migrations_pending: 0 }) => match file.check().await {
            Ok(()) => {
                report.ok("database", format!("{shown} is whole and up to date"));
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
                    "let DATABASE_URL name a file in a folder that this user may write to",
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

/// Checks whether the database file could be created, by creating and removing a file in the nearest existing parent
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
    std::fs::OpenOptions::new().write(true).create_new(true).open(&trial)?;
    std::fs::remove_file(&trial)
}

async fn check_live_state(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let Some(redis) = &settings.stores.redis else {
        report.ok("live state", "kept in this process");
        return Ok(());
    };
    fleet::check_redis(redis, report).await
}

/// Formats an error with its causes, which hold the details. No cause contains a password.
fn with_cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn check_twitch(
    settings: &Settings,
    database: Option<&Accounts>,
    report: &mut Report,
) -> anyhow::Result<()> {
    // Requests a new app token, because only a token request shows whether the client secret is valid.
    let helix = Helix::new(twitch_config(settings)?, Arc::new(SystemClock), None)?;
    let name = "Twitch credentials";
    match timeout(ANSWER_WITHIN, helix.check_credentials()).await {
        Ok(Ok(())) => {
            report.ok(name, "Twitch accepts client id and secret");
            if let Some(Accounts { subscriptions, .. }) = database {
                check_chat(&helix, subscriptions.as_ref(), report).await;
            }
        }
        Ok(Err(TwitchError::Unreachable(_))) | Err(_) => {
            report.fail(
                name,
                "Twitch could not be reached",
                "see whether this machine may reach id.twitch.tv by https",
            );
        }
        Ok(Err(error)) => {
            report.fail(
                name,
                error.to_string(),
                "copy TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET anew from dev.twitch.tv/console",
            );
        }
    }
    Ok(())
}

/// Reports warnings, not failures: everything except chat works without it.
async fn check_chat(helix: &Helix, subscriptions: &dyn SubscriptionRepository, report: &mut Report) {
    let name = "chat connection";
    match timeout(ANSWER_WITHIN, inspect(helix, subscriptions)).await {
        Ok(Ok(ChatConnection::Enabled)) => report.ok(name, "Twitch delivers chat to our conduit"),
        Ok(Ok(ChatConnection::Missing)) => report.ok(name, "there is no conduit yet; the server makes it"),
        Ok(Ok(ChatConnection::LimitReached)) => report.warn(
            name,
            "this client id has as many conduits as Twitch allows, and none is ours",
            "delete one that nobody uses, or use another client id",
        ),
        Ok(Ok(ChatConnection::Disabled(status))) => {
            let status = status.as_deref().unwrap_or("never connected");
            report.warn(
                name,
                format!("Twitch does not deliver to our conduit: {status}"),
                "start the server; if it runs, its log says what is wrong",
            );
        }
        Ok(Err(error)) => report.warn(name, with_cause(&error), "check again in a minute"),
        Err(_) => report.warn(name, "Twitch did not answer", "check again in a minute"),
    }
}

/// Reports a warning, not a failure: overlays work, and the affected streamers only have to log in again.
async fn check_tokens(
    settings: &Settings,
    tokens: &dyn TokenRepository,
    report: &mut Report,
) -> anyhow::Result<()> {
    let keys = match DerivedKeys::look(&settings.stores) {
        Ok(Some(keys)) => keys,
        Ok(None) => return Ok(()),
        Err(error) => {
            report.fail("session secret", format!("{error:#}"), DO_AS_IT_SAYS);
            return Ok(());
        }
    };
    let cipher = RingCipher::new(&keys.token_key, &keys.token_keys_old);
    let name = "stored tokens";
    match tokens.all().await {
        Ok(all) => {
            let is_shut = |kept: &&StoredTokens| cipher.open(&kept.user, &kept.sealed).is_err();
            let shut = all.iter().filter(is_shut).count();
            if shut == 0 {
                report.ok(name, format!("all {} can be opened", all.len()));
            } else {
                let found = format!("{shut} of {} cannot be opened with this key", all.len());
                report.warn(
                    name,
                    found,
                    "put the earlier key into TOKEN_ENCRYPTION_KEYS_OLD, or let those streamers log in again, and the bot agree again at /auth/start?role=bot",
                );
            }
        }
        Err(error) => report.warn(name, error.to_string(), "see the database above"),
    }
    Ok(())
}

async fn check_bot(settings: &Settings, streamers: Option<&dyn StreamerRepository>, report: &mut Report) {
    let name = "bot authorisation";
    let Some(bot) = find_bot(settings, streamers).await else {
        report.warn(
            name,
            "nobody has logged in yet",
            "start the server and log in: the first streamer reads the own chat",
        );
        return;
    };
    let granted = match streamers {
        Some(streamers) => streamers.find_bot_grant(&bot).await.ok().flatten(),
        None => None,
    };
    match granted {
        Some(grant) => report.ok(name, format!("{} has agreed to read chat", grant.display_name)),
        None => {
            report.warn(
                name,
                format!("account {bot} has not agreed to read chat yet"),
                "open /auth/start?role=bot, logged in at Twitch as that account",
            );
        }
    }
}

async fn find_bot(settings: &Settings, streamers: Option<&dyn StreamerRepository>) -> Option<TwitchUserId> {
    if let Some(bot) = &settings.twitch.bot {
        return Some(bot.clone());
    }
    streamers?.first().await.ok().flatten().map(|streamer| streamer.twitch_id)
}
