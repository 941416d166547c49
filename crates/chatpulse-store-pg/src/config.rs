//! The configuration of the pool, and the parser of `DATABASE_URL`.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::error::BoxError;
use tokio_postgres::config::{Config, SslMode};

/// Where PostgreSQL is, and how many connections the pool keeps. [`PgConfig::new`] has the defaults.
#[derive(Clone)]
pub struct PgConfig {
    /// Host, database, user, password. Its `sslmode` is ignored: `tls` decides.
    pub connection: Config,
    /// Whether connections are encrypted.
    pub tls: Tls,
    /// Connections that stay open while idle.
    pub min_conns: usize,
    /// Connections at most.
    pub max_conns: usize,
    /// Idle time after which a connection beyond `min_conns` is closed.
    pub max_conn_idle_time: Duration,
    /// How often the maintenance task checks the connections.
    pub health_check_period: Duration,
    /// Deadline for opening one connection.
    pub connect_timeout: Duration,
    /// Number of retries at the start.
    pub max_retries: u32,
    /// Pause before the first retry; it doubles for each further one.
    pub initial_backoff: Duration,
}

impl PgConfig {
    /// A configuration with the defaults of the `DB_*` variables.
    pub fn new(connection: Config, tls: Tls) -> Self {
        Self {
            connection,
            tls,
            min_conns: 2,
            max_conns: 10,
            max_conn_idle_time: Duration::from_mins(5),
            health_check_period: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(5),
            max_retries: 3,
            initial_backoff: Duration::from_secs(1),
        }
    }

    /// The client's configuration, with TLS, keepalives and the application's name set.
    pub(crate) fn client_config(&self) -> Config {
        let mut connection = self.connection.clone();
        connection.ssl_mode(match self.tls {
            Tls::Disabled => SslMode::Disable,
            Tls::Verified(_) => SslMode::Require,
        });
        if connection.get_application_name().is_none() {
            connection.application_name("chatpulse");
        }
        // A connection that died silently is detected within a minute when idle, and by the next query when used.
        connection.keepalives_idle(Duration::from_secs(30));
        connection.keepalives_interval(Duration::from_secs(10));
        connection.keepalives_retries(3);
        if connection.get_tcp_user_timeout().is_none() {
            connection.tcp_user_timeout(Duration::from_secs(10));
        }
        connection
    }
}

/// Whether a connection is encrypted. Encryption without verification is not offered, since it does not stop an attacker
/// in the middle.
#[derive(Clone)]
pub enum Tls {
    /// Not encrypted, for loopback and trusted networks.
    Disabled,
    /// Encrypted; the chain and the host name of the server's certificate are verified.
    Verified(Arc<rustls::ClientConfig>),
}

/// The `sslmode` of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// `disable`.
    Disable,
    /// Absent, `allow` or `prefer`. Production treats it as [`TlsMode::Require`].
    Prefer,
    /// `require`, `verify-ca` or `verify-full`; all verify chain and host name.
    Require,
}

impl TlsMode {
    fn parse(found: &str) -> Result<Self, InvalidUrl> {
        match found {
            "disable" => Ok(Self::Disable),
            "allow" | "prefer" => Ok(Self::Prefer),
            "require" | "verify-ca" | "verify-full" => Ok(Self::Require),
            _ => Err(InvalidUrl::TlsMode),
        }
    }
}

/// Why a text is not the URL of a PostgreSQL database. Repeats no part of the URL, which contains a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// Malformed URL.
    #[error("it should look like postgres://user:password@host:5432/database")]
    Form(#[source] BoxError),
    /// Unknown `sslmode`.
    #[error("its sslmode can be disable, prefer, require, verify-ca or verify-full")]
    TlsMode,
    /// No host.
    #[error("it names no host")]
    NoHost,
}

/// Parses `postgres://…`. The client knows only some values of `sslmode`, so this function parses that option itself.
pub fn parse_url(url: &str) -> Result<(Config, TlsMode), InvalidUrl> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(InvalidUrl::Form("it does not start with postgres://".into()));
    }
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut others) = (TlsMode::Prefer, Vec::new());
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.strip_prefix("sslmode=") {
            Some(found) => mode = TlsMode::parse(found)?,
            None => others.push(option),
        }
    }
    let rest = format!("{address}?{}", others.join("&"));
    let connection: Config = rest.trim_end_matches('?').parse().map_err(form)?;
    if connection.get_hosts().is_empty() && connection.get_hostaddrs().is_empty() {
        return Err(InvalidUrl::NoHost);
    }
    Ok((connection, mode))
}

/// The cause says which part is malformed, and never its value.
fn form(error: tokio_postgres::Error) -> InvalidUrl {
    InvalidUrl::Form(error.into_source().unwrap_or_else(|| "it cannot be parsed".into()))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    #[test]
    fn every_sslmode_is_parsed_and_other_options_are_kept() {
        for (option, expected) in [
            ("", TlsMode::Prefer),
            ("?sslmode=disable", TlsMode::Disable),
            ("?sslmode=allow", TlsMode::Prefer),
            ("?sslmode=prefer", TlsMode::Prefer),
            ("?sslmode=require", TlsMode::Require),
            ("?application_name=pulse&sslmode=verify-ca", TlsMode::Require),
            ("?sslmode=verify-full&application_name=pulse", TlsMode::Require),
        ] {
            let url = format!("postgres://ada:s%20e@db.example:5433/pulse{option}");
            let (connection, mode) = parse_url(&url).unwrap();
            assert_eq!(mode, expected, "{option}");
            assert_eq!(connection.get_hosts(), [Host::Tcp("db.example".into())]);
            assert_eq!(connection.get_ports(), [5433]);
            assert_eq!(connection.get_user(), Some("ada"));
            assert_eq!(connection.get_password(), Some("s e".as_bytes()));
            assert_eq!(connection.get_dbname(), Some("pulse"));
            let is_named = connection.get_application_name() == Some("pulse");
            assert_eq!(is_named, option.contains("application_name"));
        }
    }

    #[test]
    fn errors_say_what_is_wrong_without_the_password() {
        for (url, expected) in [
            ("mysql://ada:hunter2@db/x", "should look like"),
            ("postgres://ada:hunter2@db/x?sslmode=maybe", "sslmode can be"),
            ("postgres://ada:hunter2@db:port/x", "should look like"),
            ("postgres://ada:hunter2@db/x?colour=hunter2", "should look like"),
            ("postgres:///x", "no host"),
        ] {
            let error = parse_url(url).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
