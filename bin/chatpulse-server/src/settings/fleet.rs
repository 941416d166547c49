//! PostgreSQL and Redis settings. A build without the feature `fleet` has `no_fleet.rs` instead.

use std::sync::Arc;

use chatpulse_domain::secret::Secret;
use chatpulse_store_pg::{ParsedUrl, PgConfig, PgHost, Tls, TlsMode, parse_url};

use super::found::Found;
use super::pool::Pool;
use super::reader::Reader;
use super::redis_url;
use super::server_url::ServerUrl;
use super::web_url::is_loopback_name;
use crate::tls::Roots;

/// PostgreSQL settings.
pub(crate) struct PgSettings {
    pub(crate) config: PgConfig,
    pub(crate) encrypted: bool,
    /// Trusted besides the system's.
    pub(crate) roots: Arc<Roots>,
}

impl PgSettings {
    /// The most connections of the pool.
    pub(crate) fn connections_max(&self) -> usize {
        self.config.max_conns
    }
}

/// Redis settings.
pub(crate) struct RedisSettings {
    pub(crate) url: Secret,
    pub(crate) encrypted: bool,
    /// Trusted besides the system's.
    pub(crate) roots: Arc<Roots>,
}

/// A parsed `postgres://` URL.
pub(super) struct PgUrl {
    config: Box<PgConfig>,
    mode: TlsMode,
    roots: Arc<Roots>,
}

impl PgUrl {
    pub(super) fn read(reader: &mut Reader<'_>, text: &str, roots: &Arc<Roots>) -> Option<Self> {
        const EXPECTED: &str = "`sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`";
        let parse = |text: &str| {
            ServerUrl::split(text)?;
            parse_url(text).map_err(|error| Found::from(&error))
        };
        let ParsedUrl { connection, tls: mode, root_certificates } =
            reader.checked("DATABASE_URL", text, EXPECTED, parse)?;
        let mut roots = Arc::clone(roots);
        if let Some(file) = root_certificates
            && Arc::make_mut(&mut roots).add_file(&file).is_err()
        {
            let why =
                "the file of its option `sslrootcert` is not a readable file of certificates in PEM format";
            reader.refuse_because("DATABASE_URL", text, why, EXPECTED);
            return None;
        }
        Some(Self { config: Box::new(PgConfig::new(connection, Tls::Disabled)), mode, roots })
    }

    /// Adds the pool settings and applies the rules of TLS.
    pub(super) fn complete(
        self,
        reader: &mut Reader<'_>,
        pool: Option<&Pool>,
        must_be_safe: bool,
    ) -> Option<PgSettings> {
        let encrypted = encryption(reader, &self.config, self.mode, must_be_safe)?;
        Some(PgSettings { config: with_pool(*self.config, pool?), encrypted, roots: self.roots })
    }
}

/// Returns whether the PostgreSQL connection uses TLS. In production, an unspecified mode means `require`, except for
/// loopback servers or when insecure databases are allowed.
fn encryption(reader: &mut Reader<'_>, config: &PgConfig, mode: TlsMode, must_be_safe: bool) -> Option<bool> {
    // If `hostaddr` is set beside `host`, the connection goes to `hostaddr`.
    let addresses = config.connection.get_hostaddrs();
    let is_near = addresses.iter().all(std::net::IpAddr::is_loopback)
        && config.connection.get_hosts().iter().all(|host| match host {
            PgHost::Tcp(name) => is_loopback_name(name) || !addresses.is_empty(),
            PgHost::Unix(_) => true,
        });
    match mode {
        TlsMode::Require => Some(true),
        TlsMode::Prefer => Some(must_be_safe && !is_near),
        TlsMode::Disable if must_be_safe && !is_near => {
            let expected = "sslmode=require, or ALLOW_INSECURE_DATABASE=true";
            reader.problem("DATABASE_URL", "PostgreSQL without TLS", expected);
            None
        }
        TlsMode::Disable => Some(false),
    }
}

fn with_pool(config: PgConfig, pool: &Pool) -> PgConfig {
    PgConfig {
        min_conns: pool.min_conns as usize,
        max_conns: pool.max_conns as usize,
        max_conn_idle_time: pool.max_conn_idle_time,
        health_check_period: pool.health_check_period,
        connect_timeout: pool.connect_timeout,
        max_retries: pool.retries.further_tries,
        initial_backoff: pool.retries.first_pause,
        ..config
    }
}

#[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
pub(super) fn read_redis(
    reader: &mut Reader<'_>,
    must_be_safe: bool,
    roots: &Arc<Roots>,
) -> Option<Option<RedisSettings>> {
    const EXPECTED: &str =
        "redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss://, redis-cluster:// or rediss-cluster://";
    let Some(text) = reader.text("REDIS_URL") else { return Some(None) };
    let url = reader.checked("REDIS_URL", text, EXPECTED, redis_url::parse)?;
    let encrypted = url.scheme().starts_with("rediss");
    if must_be_safe && !encrypted && !redis_url::all_on_loopback(&url) {
        let expected = "rediss:// or rediss-cluster://, or ALLOW_INSECURE_DATABASE=true";
        reader.problem("REDIS_URL", "Redis without TLS", expected);
    }
    Some(Some(RedisSettings { url: Secret::new(url.as_str()), encrypted, roots: Arc::clone(roots) }))
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{MINIMUM, PRODUCTION, report, with};
    use crate::settings::{Database, Settings};

    #[test]
    fn production_takes_an_open_sslmode_for_require_except_on_this_machine() {
        let encrypted = |url: &'static str| {
            let settings =
                Settings::read(&with(&PRODUCTION, &[("DATABASE_URL", url), ("BOT_USER_ID", "1")])).unwrap();
            match settings.stores.database {
                Database::Postgres(pg) => pg.encrypted,
                _ => panic!("{url} is PostgreSQL"),
            }
        };
        assert!(encrypted("postgres://pulse@db.example/pulse"));
        assert!(encrypted("postgres://pulse@db.example/pulse?sslmode=prefer"));
        assert!(encrypted("postgres://pulse@localhost/pulse?sslmode=verify-full"));
        assert!(!encrypted("postgres://pulse@127.0.0.1/pulse"));
    }

    #[test]
    fn a_default_that_nobody_set_gives_way_to_a_value() {
        let sizes = |more: &[(&'static str, &'static str)]| {
            let fleet = [("DATABASE_URL", "postgres://db"), ("BOT_USER_ID", "1"), ("SESSION_SECRET", "x")];
            match Settings::read(&with(&MINIMUM, &[&fleet, more].concat())).unwrap().stores.database {
                Database::Postgres(pg) => (pg.config.min_conns, pg.config.max_conns),
                _ => panic!("it is PostgreSQL"),
            }
        };
        assert_eq!(sizes(&[]), (2, 10));
        assert_eq!(sizes(&[("DB_MAX_CONNS", "1")]), (1, 1));
        assert_eq!(sizes(&[("DB_MIN_CONNS", "20")]), (20, 20));
        assert_eq!(sizes(&[("DB_MIN_CONNS", "5"), ("DB_MAX_CONNS", "5")]), (5, 5));
        assert!(
            report(&MINIMUM, &[("DB_MIN_CONNS", "3"), ("DB_MAX_CONNS", "2")]).contains("  DB_MIN_CONNS\n")
        );
    }

    #[test]
    fn a_badly_formed_password_gets_advice() {
        for (url, advice) in [
            ("postgres://u:a@b@127.0.0.1:1/x", "percent-encode it as %40"),
            ("postgres://u:a/b@127.0.0.1:1/x", "percent-encode it as %2F"),
            ("postgres://u:a#b@127.0.0.1:1/x", "percent-encode it as %23"),
            ("postgres://u:a?b@127.0.0.1:1/x", "percent-encode it as %3F"),
            ("postgres://u:a b@127.0.0.1:1/x", "percent-encode it as %20"),
            ("postgres://u:a%b@127.0.0.1:1/x", "percent-encode it as %25"),
        ] {
            let report = report(&MINIMUM, &[("DATABASE_URL", url)]);
            assert!(report.contains(advice), "{url}: {report}");
        }
    }
}
