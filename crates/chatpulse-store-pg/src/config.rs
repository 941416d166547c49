//! What the pool needs to know, and how `DATABASE_URL` is read.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::error::BoxError;
use tokio_postgres::config::{Config, SslMode};

/// Where PostgreSQL is and how many connections to keep there. [`PgConfig::new`] fills in the defaults.
#[derive(Clone)]
pub struct PgConfig {
    /// Host, database, user, password. Its `sslmode` does not count: `tls` decides.
    pub connection: Config,
    /// Whether the way there is encrypted.
    pub tls: Tls,
    /// Connections kept open in quiet times.
    pub min_conns: usize,
    /// Connections at most.
    pub max_conns: usize,
    /// A connection beyond `min_conns` that was idle for longer is closed.
    pub max_conn_idle_time: Duration,
    /// How often upkeep looks at the connections.
    pub health_check_period: Duration,
    /// The longest that opening one connection may take.
    pub connect_timeout: Duration,
    /// Further tries at the start.
    pub max_retries: u32,
    /// The pause before the first of them; each further one is twice as long.
    pub initial_backoff: Duration,
}

impl PgConfig {
    /// With the defaults of the `DB_*` variables.
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

    /// The connection as the pool opens it.
    pub(crate) fn hardened(&self) -> Config {
        let mut connection = self.connection.clone();
        connection.ssl_mode(match self.tls {
            Tls::Disabled => SslMode::Disable,
            Tls::Verified(_) => SslMode::Require,
        });
        if connection.get_application_name().is_none() {
            connection.application_name("chatpulse");
        }
        // A link that went dead without a word is found within a minute when idle, and at once when used.
        connection.keepalives_idle(Duration::from_secs(30));
        connection.keepalives_interval(Duration::from_secs(10));
        connection.keepalives_retries(3);
        if connection.get_tcp_user_timeout().is_none() {
            connection.tcp_user_timeout(Duration::from_secs(10));
        }
        connection
    }
}

/// Whether a connection is encrypted. There is nothing in between: encryption without verification keeps out nobody
/// who can sit in the middle.
#[derive(Clone)]
pub enum Tls {
    /// Plain, for loopback and networks of one's own.
    Disabled,
    /// Encrypted; chain and host name of the server's certificate are verified.
    Verified(Arc<rustls::ClientConfig>),
}

/// What a URL's `sslmode` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// `disable`.
    Disable,
    /// Left open: absent, `allow` or `prefer`. Production takes it for [`TlsMode::Require`].
    Prefer,
    /// `require`, `verify-ca` or `verify-full`; all of them verify chain and host name.
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

/// Why a text is no address of a PostgreSQL database. Says nothing of what the text holds: there is a password in it.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// Not of the form.
    #[error("it should look like postgres://user:password@host:5432/database")]
    Form(#[source] BoxError),
    /// No such `sslmode`.
    #[error("its sslmode can be disable, prefer, require, verify-ca or verify-full")]
    TlsMode,
    /// Nowhere to go.
    #[error("it names no host")]
    NoHost,
}

/// Reads `postgres://…`. The client knows only some values of `sslmode`, so that one is read here.
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

/// The cause says which part is wrong, and never its value.
fn form(error: tokio_postgres::Error) -> InvalidUrl {
    InvalidUrl::Form(error.into_source().unwrap_or_else(|| "it cannot be read".into()))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    #[test]
    fn every_sslmode_is_understood_and_the_rest_is_kept() {
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
    fn what_is_wrong_is_said_without_the_password() {
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
