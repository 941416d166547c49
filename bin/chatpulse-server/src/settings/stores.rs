//! Where accounts and live state are kept, and the keys to them.

use std::path::PathBuf;
use std::time::Duration;

use chatpulse_domain::secret::Secret;
use chatpulse_twitch::tokens::TokenKey;
use url::{Host, Url};

use super::environment::Reader;

const SESSION_SECRET_BYTES_MIN: usize = 32;

pub(crate) struct StoreSettings {
    pub(crate) database: Database,
    pub(crate) keys: Keys,
}

/// Where accounts live, decided by the scheme of `DATABASE_URL`.
pub(crate) enum Database {
    Sqlite {
        path: PathBuf,
    },
    /// For the demo: gone when the process ends.
    InMemory,
}

/// What binds cookies and seals tokens.
pub(crate) struct Keys {
    /// `None`: made on first start and kept beside the SQLite file.
    pub(crate) session_secret: Option<Secret>,
    /// `None`: derived from the session secret.
    pub(crate) token_key: Option<TokenKey>,
    pub(crate) token_keys_old: Vec<TokenKey>,
}

/// What a `DATABASE_URL` names.
enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(Url),
}

impl Database {
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. } | Self::InMemory)
    }
}

impl StoreSettings {
    pub(super) fn read(reader: &mut Reader<'_>, production: bool) -> Option<Self> {
        let allow_embedded = reader.flag("ALLOW_EMBEDDED");
        let allow_insecure = reader.flag("ALLOW_INSECURE_DATABASE");
        let database = reader.parse(
            "DATABASE_URL",
            "sqlite://data/chatpulse.db",
            "`sqlite://PATH` or `postgres://USER@HOST/NAME`",
            parse_database_url,
        );
        let redis = reader.optional(
            "REDIS_URL",
            "redis://, rediss://, redis-cluster:// or rediss-cluster:// with a host",
            parse_redis_url,
        );
        check_pool(reader);
        let must_be_safe = production && allow_insecure == Some(false);
        if let Some(Some(redis)) = &redis {
            check_redis(reader, redis, must_be_safe);
        }
        // What cannot be read is its own problem, and not also one of everything that depends on it.
        let with_sqlite = !matches!(database, Some(DatabaseUrl::Postgres(_)));
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
        let keys = Keys::read(reader, production || !with_sqlite, production);
        let path = match database? {
            DatabaseUrl::Sqlite(path) => path,
            DatabaseUrl::Postgres(url) => {
                check_postgres(reader, &url, must_be_safe);
                // Said last, so that everything else about it is said too.
                reader.problem(
                    "DATABASE_URL",
                    "PostgreSQL",
                    "`sqlite://PATH`: this version stores in SQLite only",
                );
                return None;
            }
        };
        Some(Self { database: Database::Sqlite { path }, keys: keys? })
    }
}

impl Keys {
    fn read(reader: &mut Reader<'_>, required: bool, production: bool) -> Option<Self> {
        let expected = format!("a secret of at least {SESSION_SECRET_BYTES_MIN} bytes");
        if required {
            reader.required("SESSION_SECRET", &expected);
        }
        let session_secret = reader.secret("SESSION_SECRET", &expected, |text| {
            (!production || text.len() >= SESSION_SECRET_BYTES_MIN).then(|| Secret::new(text))
        });
        if production {
            reader.required("TOKEN_ENCRYPTION_KEY", "64 hex digits");
        }
        let token_key = reader.secret("TOKEN_ENCRYPTION_KEY", "64 hex digits", parse_key);
        let token_keys_old =
            reader.secret("TOKEN_ENCRYPTION_KEYS_OLD", "a comma list of keys of 64 hex digits", |text| {
                text.split(',').map(|key| parse_key(key.trim())).collect::<Option<Vec<_>>>()
            });
        Some(Self {
            session_secret: session_secret?,
            token_key: token_key?,
            token_keys_old: token_keys_old?.unwrap_or_default(),
        })
    }
}

fn parse_database_url(text: &str) -> Option<DatabaseUrl> {
    if let Some(path) = text.strip_prefix("sqlite://") {
        return (!path.is_empty()).then(|| DatabaseUrl::Sqlite(PathBuf::from(path)));
    }
    let url = Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "postgres" | "postgresql") && url.has_host();
    fits.then_some(DatabaseUrl::Postgres(url))
}

fn parse_redis_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let known = ["redis", "rediss", "redis-cluster", "rediss-cluster"].contains(&url.scheme());
    (known && url.has_host()).then_some(url)
}

/// The pool's numbers must make sense together, whichever database is used.
fn check_pool(reader: &mut Reader<'_>) {
    let least = reader.count("DB_MIN_CONNS", 2, 0);
    let most = reader.count("DB_MAX_CONNS", 10, 1);
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        reader.problem("DB_MIN_CONNS", least.to_string(), format!("at most DB_MAX_CONNS, which is {most}"));
    }
    reader.duration("DB_MAX_CONN_IDLE_TIME", Duration::from_mins(5));
    reader.duration("DB_HEALTH_CHECK_PERIOD", Duration::from_mins(1));
    reader.duration("DB_CONNECT_TIMEOUT", Duration::from_secs(5));
    reader.count("DB_MAX_RETRIES", 3, 0);
    reader.duration("DB_INITIAL_BACKOFF", Duration::from_secs(1));
}

fn check_postgres(reader: &mut Reader<'_>, url: &Url, must_be_safe: bool) {
    let mode = url.query_pairs().find(|(name, _)| name == "sslmode").map(|(_, mode)| mode.into_owned());
    match mode.as_deref() {
        // Absent or `prefer` is raised to `require`.
        None | Some("prefer" | "require" | "verify-ca" | "verify-full") => {}
        Some("disable" | "allow") if !must_be_safe || is_loopback(url) => {}
        Some("disable" | "allow") => reader.problem(
            "DATABASE_URL",
            "PostgreSQL without TLS",
            "sslmode=require, or ALLOW_INSECURE_DATABASE=true",
        ),
        Some(other) => reader.problem(
            "DATABASE_URL",
            format!("sslmode={other}"),
            "sslmode require, verify-ca or verify-full",
        ),
    }
}

fn check_redis(reader: &mut Reader<'_>, url: &Url, must_be_safe: bool) {
    let encrypted = url.scheme().starts_with("rediss");
    if must_be_safe && !encrypted && !is_loopback(url) {
        reader.problem(
            "REDIS_URL",
            "Redis without TLS",
            "rediss:// or rediss-cluster://, or ALLOW_INSECURE_DATABASE=true",
        );
    }
}

/// The url crate reads hosts of schemes that it does not know as plain text.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
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
