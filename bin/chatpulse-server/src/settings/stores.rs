//! Database, Redis and key settings, and the rules between them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::secret::Secret;
use chatpulse_twitch::tokens::TokenKey;

use super::database::{self, DatabaseUrl};
use super::fleet::{PgSettings, RedisSettings, read_redis};
use super::pool::Pool;
use super::reader::Reader;
use crate::tls::Roots;

const SESSION_SECRET_BYTES_MIN: usize = 32;

pub(crate) struct StoreSettings {
    pub(crate) database: Database,
    /// Live state of a fleet; `None` keeps it in this process.
    pub(crate) redis: Option<RedisSettings>,
    pub(crate) retries: Retries,
    pub(crate) keys: Keys,
}

/// The database, chosen by the scheme of `DATABASE_URL`.
pub(crate) enum Database {
    Sqlite {
        path: PathBuf,
    },
    Postgres(Box<PgSettings>),
    /// For the demo: lost when the process ends.
    InMemory,
}

/// How often and how long to retry connecting to an unreachable server at startup.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retries {
    pub(crate) further_tries: u32,
    pub(crate) first_pause: Duration,
}

/// Keys that bind cookies and encrypt tokens.
pub(crate) struct Keys {
    /// `None`: generated at the first start and stored beside the SQLite file.
    pub(crate) session_secret: Option<Secret>,
    /// `None`: derived from the session secret.
    pub(crate) token_key: Option<TokenKey>,
    pub(crate) token_keys_old: Vec<TokenKey>,
}

impl Database {
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. } | Self::InMemory)
    }
}

impl StoreSettings {
    /// Keeps everything in this process; it is lost when the process ends.
    pub(crate) fn in_memory() -> Self {
        Self {
            database: Database::InMemory,
            redis: None,
            retries: Retries { further_tries: 0, first_pause: Duration::from_secs(1) },
            keys: Keys { session_secret: None, token_key: None, token_keys_old: Vec::new() },
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, production: bool, roots: &Arc<Roots>) -> Option<Self> {
        Self::read_with(reader, production, roots, true)
    }

    /// Reads the database settings and their TLS rules. Migrations need no keys.
    pub(super) fn read_for_migration(
        reader: &mut Reader<'_>,
        production: bool,
        roots: &Arc<Roots>,
    ) -> Option<Self> {
        Self::read_with(reader, production, roots, false)
    }

    fn read_with(
        reader: &mut Reader<'_>,
        production: bool,
        roots: &Arc<Roots>,
        needs_keys: bool,
    ) -> Option<Self> {
        let allow_embedded = reader.flag("ALLOW_EMBEDDED");
        let allow_insecure = reader.flag("ALLOW_INSECURE_DATABASE");
        let must_be_safe = production && allow_insecure == Some(false);
        let database = database::read(reader, roots);
        let redis = read_redis(reader, must_be_safe, roots);
        let pool = Pool::read(reader);
        // If `DATABASE_URL` is malformed, report only that and not the settings that depend on it.
        let with_sqlite = matches!(database, Some(DatabaseUrl::Sqlite(_)));
        let with_postgres = matches!(database, Some(DatabaseUrl::Postgres(_)));
        if with_sqlite && matches!(redis, Some(Some(_))) {
            reader.problem(
                "REDIS_URL",
                "a Redis address together with SQLite",
                "PostgreSQL in DATABASE_URL, or no REDIS_URL",
            );
        }
        if with_sqlite && production && allow_embedded == Some(false) {
            let expected = "PostgreSQL, or ALLOW_EMBEDDED=true if one instance is all you want";
            reader.problem("DATABASE_URL", "SQLite in production", expected);
        }
        let keys = Keys::read(reader, needs_keys && (production || with_postgres), needs_keys && production);
        let database = match database? {
            DatabaseUrl::Sqlite(path) => Some(Database::Sqlite { path }),
            DatabaseUrl::Postgres(url) => {
                let settings = url.complete(reader, pool.as_ref(), must_be_safe);
                settings.map(|settings| Database::Postgres(Box::new(settings)))
            }
        };
        let retries = pool?.retries;
        Some(Self { database: database?, redis: redis?, retries, keys: keys? })
    }
}

impl Keys {
    fn read(reader: &mut Reader<'_>, required: bool, production: bool) -> Option<Self> {
        let expected = format!("a secret of at least {SESSION_SECRET_BYTES_MIN} bytes");
        if required {
            reader.required("SESSION_SECRET", &expected);
        }
        let session_secret = reader.optional("SESSION_SECRET", &expected, |text| {
            (!production || text.len() >= SESSION_SECRET_BYTES_MIN).then(|| Secret::new(text))
        });
        if production {
            reader.required("TOKEN_ENCRYPTION_KEY", "64 hex digits");
        }
        let token_key = reader.optional("TOKEN_ENCRYPTION_KEY", "64 hex digits", parse_key);
        let token_keys_old =
            reader.optional("TOKEN_ENCRYPTION_KEYS_OLD", "a comma list of keys of 64 hex digits", |text| {
                text.split(',').map(|key| parse_key(key.trim())).collect::<Option<Vec<_>>>()
            });
        Some(Self {
            session_secret: session_secret?,
            token_key: token_key?,
            token_keys_old: token_keys_old?.unwrap_or_default(),
        })
    }
}

fn parse_key(text: &str) -> Option<TokenKey> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(TokenKey::new(bytes))
}
