//! Parses the environment once into validated types.
//!
//! [`Settings::load`] reads the process environment, which overrides `.env`, and reports all problems at once. Only
//! this folder knows variable names; each crate defines the config struct that it receives.

mod access;
mod catalogue;
mod database;
mod dotenv;
mod env_file;
mod environment;
#[cfg_attr(not(feature = "fleet"), path = "settings/no_fleet.rs")]
mod fleet;
mod found;
mod http;
mod limits;
mod misspelt;
mod outgoing;
mod pool;
mod problems;
mod reader;
mod redis_url;
mod rules;
mod server_url;
mod stores;
mod twitch;
mod web_url;

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::access::Access;
use chatpulse_telemetry::logging::{LogFilter, LogFormat};

pub(crate) use environment::Environment;
pub(crate) use fleet::{PgSettings, RedisSettings};
pub(crate) use http::HttpSettings;
pub(crate) use limits::LimitSettings;
pub(crate) use outgoing::OutgoingSettings;
pub(crate) use problems::Problems;
pub(crate) use stores::{Database, Retries, StoreSettings};
pub(crate) use twitch::TwitchSettings;

use reader::Reader;

/// All settings that an operator can change.
pub(crate) struct Settings {
    pub(crate) http: HttpSettings,
    pub(crate) stores: StoreSettings,
    pub(crate) twitch: TwitchSettings,
    /// Who may log in.
    pub(crate) access: Access,
    pub(crate) limits: LimitSettings,
    pub(crate) outgoing: OutgoingSettings,
    pub(crate) log: LogSettings,
    pub(crate) shutdown: ShutdownSettings,
    /// What is allowed but probably not meant, one sentence each.
    pub(crate) warnings: Vec<String>,
}

/// How long a stop takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShutdownSettings {
    /// How long the server goes on serving, but not ready, before the shutdown begins.
    pub(crate) drain: Duration,
    /// Time limit of the whole shutdown.
    pub(crate) grace: Duration,
}

/// Log filter and log format.
#[derive(Clone)]
pub(crate) struct LogSettings {
    pub(crate) filter: LogFilter,
    pub(crate) format: LogFormat,
}

impl Settings {
    /// Reads the process environment, which overrides `.env`.
    pub(crate) fn load() -> Result<Self, Problems> {
        Self::read(&Environment::of_process())
    }

    /// Reads every group, even after a problem, so that all problems are reported together.
    pub(crate) fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut reader = Reader::new(environment);
        let production = rules::production(&mut reader);
        let http = HttpSettings::read(&mut reader, production);
        let outgoing = OutgoingSettings::read(&mut reader);
        let roots = outgoing.as_ref().map(|outgoing| Arc::clone(&outgoing.roots)).unwrap_or_default();
        let stores = StoreSettings::read(&mut reader, production, &roots);
        let solo = stores.as_ref().is_none_or(|stores| stores.database.is_sqlite());
        let twitch = TwitchSettings::read(&mut reader, production, solo);
        let bot = twitch.as_ref().and_then(|twitch| twitch.bot.as_ref());
        let access = access::read(&mut reader, production, solo, bot);
        let limits = LimitSettings::read(&mut reader);
        let log = LogSettings::read(&mut reader, production);
        let shutdown = ShutdownSettings::read(&mut reader, production);
        rules::refuse_weak_secrets(&mut reader, production);
        let warnings = reader.warnings();
        let problems = reader.finish(LogSettings::format_of(environment));
        match (problems, http, stores, twitch, access, limits, outgoing, log, shutdown) {
            (
                Ok(()),
                Some(http),
                Some(stores),
                Some(twitch),
                Some(access),
                Some(limits),
                Some(outgoing),
                Some(log),
                Some(shutdown),
            ) => Ok(Self { http, stores, twitch, access, limits, outgoing, log, shutdown, warnings }),
            (problems, ..) => Err(problems.err().unwrap_or_default()),
        }
    }

    /// Reads only the database settings, for `migrate`, and the format of a fatal error.
    pub(crate) fn load_stores() -> Result<(StoreSettings, LogFormat), Problems> {
        let environment = Environment::of_process();
        let mut reader = Reader::new(&environment);
        let production = rules::production(&mut reader);
        let roots = OutgoingSettings::read_roots(&mut reader).unwrap_or_default();
        let stores = StoreSettings::read_for_migration(&mut reader, production, &roots);
        let format = LogSettings::format_of(&environment);
        match (reader.finish(format), stores) {
            (Ok(()), Some(stores)) => Ok((stores, format)),
            (problems, _) => Err(problems.err().unwrap_or_default()),
        }
    }
}

impl ShutdownSettings {
    fn read(reader: &mut Reader<'_>, production: bool) -> Option<Self> {
        let drain = if production { Duration::from_secs(10) } else { Duration::ZERO };
        let drain = reader.duration_or_zero("SHUTDOWN_DRAIN", drain);
        let grace = reader.duration("SHUTDOWN_TIMEOUT", Duration::from_secs(30));
        Some(Self { drain: drain?, grace: grace? })
    }
}

impl LogSettings {
    /// Returns the format for reporting problems, text where `LOG_FORMAT` is one of them.
    fn format_of(environment: &Environment) -> LogFormat {
        let mut reader = Reader::new(environment);
        let production = reader.text("APP_ENV") == Some("production");
        match reader.text("LOG_FORMAT") {
            Some("json") => LogFormat::Json,
            None if production => LogFormat::Json,
            _ => LogFormat::Text,
        }
    }

    fn read(reader: &mut Reader<'_>, production: bool) -> Option<Self> {
        let filter = reader.parse(
            "LOG_LEVEL",
            "info",
            "a level (trace, debug, info, warn, error) or a tracing filter",
            |text| LogFilter::parse(text).ok(),
        );
        let default = if production { "json" } else { "text" };
        let format = reader.parse("LOG_FORMAT", default, "`text` or `json`", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        Some(Self { filter: filter?, format: format? })
    }
}

#[cfg(test)]
mod tests;
