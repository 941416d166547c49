//! The configuration of the pool.

use std::sync::Arc;
use std::time::Duration;

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
        // What the URL says stays; the client's own default of two hours says nothing.
        if connection.get_keepalives_idle() == Duration::from_hours(2) {
            connection.keepalives_idle(Duration::from_secs(30));
        }
        if connection.get_keepalives_interval().is_none() {
            connection.keepalives_interval(Duration::from_secs(10));
        }
        if connection.get_keepalives_retries().is_none() {
            connection.keepalives_retries(3);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keepalives_of_the_url_stay_and_others_get_ours() {
        let of = |url: &str| PgConfig::new(url.parse().unwrap(), Tls::Disabled).client_config();
        let ours = of("postgres://h/x");
        assert_eq!(ours.get_keepalives_idle(), Duration::from_secs(30));
        assert_eq!(
            (ours.get_keepalives_interval(), ours.get_keepalives_retries()),
            (Some(Duration::from_secs(10)), Some(3))
        );
        let theirs = of("postgres://h/x?keepalives_idle=60&keepalives_interval=5&keepalives_retries=9");
        assert_eq!(theirs.get_keepalives_idle(), Duration::from_mins(1));
        assert_eq!(
            (theirs.get_keepalives_interval(), theirs.get_keepalives_retries()),
            (Some(Duration::from_secs(5)), Some(9))
        );
    }
}
