//! PostgreSQL and Redis settings. A build without the feature `fleet` has `no_fleet.rs` instead.

use chatpulse_domain::secret::Secret;
use chatpulse_store_pg::{PgConfig, PgHost, Tls, TlsMode, parse_url};
use url::{Host, Url};

use super::environment::{Reader, hidden};
use super::stores::Pool;

/// PostgreSQL settings, without the root certificates.
pub(crate) struct PgSettings {
    pub(crate) config: PgConfig,
    pub(crate) encrypted: bool,
}

/// Redis settings, without the root certificates.
pub(crate) struct RedisSettings {
    pub(crate) url: Secret,
    pub(crate) encrypted: bool,
}

/// A parsed `postgres://` URL.
pub(super) struct PgUrl {
    config: Box<PgConfig>,
    mode: TlsMode,
}

impl PgUrl {
    pub(super) fn read(reader: &mut Reader<'_>, text: &str) -> Option<Self> {
        match parse_url(text) {
            Ok((connection, mode)) => {
                Some(Self { config: Box::new(PgConfig::new(connection, Tls::Disabled)), mode })
            }
            Err(error) => {
                // Hide the text, because it may contain a password.
                let expected = "`sqlite://PATH` or `postgres://USER@HOST/NAME`";
                reader.problem("DATABASE_URL", format!("{}: {error}", hidden(text)), expected);
                None
            }
        }
    }

    /// Adds the pool settings and applies the rules of TLS.
    pub(super) fn complete(
        self,
        reader: &mut Reader<'_>,
        pool: Option<&Pool>,
        must_be_safe: bool,
    ) -> Option<PgSettings> {
        let encrypted = encryption(reader, &self.config, self.mode, must_be_safe)?;
        Some(PgSettings { config: with_pool(*self.config, pool?), encrypted })
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
pub(super) fn read_redis(reader: &mut Reader<'_>, must_be_safe: bool) -> Option<Option<RedisSettings>> {
    let expected = "redis://, rediss://, redis-cluster:// or rediss-cluster:// with a host";
    let url = reader.secret("REDIS_URL", expected, parse_redis_url)?;
    let Some(url) = url else { return Some(None) };
    let encrypted = url.scheme().starts_with("rediss");
    if must_be_safe && !encrypted && !is_loopback(&url) {
        let expected = "rediss:// or rediss-cluster://, or ALLOW_INSECURE_DATABASE=true";
        reader.problem("REDIS_URL", "Redis without TLS", expected);
    }
    Some(Some(RedisSettings { url: Secret::new(url.as_str()), encrypted }))
}

fn parse_redis_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let known = ["redis", "rediss", "redis-cluster", "rediss-cluster"].contains(&url.scheme());
    (known && url.has_host()).then_some(url)
}

/// Returns whether every node is on loopback. Further nodes of a cluster are in the query.
fn is_loopback(url: &Url) -> bool {
    let nodes = url.query_pairs().filter(|(name, _)| name == "node");
    let mut others = nodes.map(|(_, node)| Url::parse(&format!("redis://{node}")));
    is_loopback_host(url) && others.all(|node| node.is_ok_and(|node| is_loopback_host(&node)))
}

/// Returns whether the host is on loopback. The url crate returns hosts of unknown schemes as plain text, so IP
/// addresses are parsed here.
fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{PRODUCTION, with};
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
}
