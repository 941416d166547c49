//! Where Redis is, and how the client connects to it.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::secret::Secret;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig, TlsConfig, TlsConnector,
    TlsHostMapping, UnresponsiveConfig,
};
use fred::types::{Builder, RespVersion};
use rustls::ClientConfig;

use crate::error::ConnectError;

/// Requests that may wait in each connection. At 10,000 votes a second and replies within a millisecond about ten
/// wait; at this many Redis is stuck, and further requests fail at once instead of filling memory.
const WAITING_MAX: usize = 10_000;

/// Messages of the subscription that may wait: a second of 20 signals for each of 200 changing sessions.
const MESSAGES_MAX: usize = 4_096;

/// Where Redis is, and how long requests wait for it.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://`, `rediss://`, `redis-cluster://` or `rediss-cluster://`; may contain a password.
    pub url: Secret,
    /// Required for `rediss`: the roots that the server's certificate is verified against.
    pub tls: Option<Arc<ClientConfig>>,
    /// Deadline of one request. Votes wait for it, so it stays at half a second or less.
    pub deadline: Duration,
    /// Deadline of a first or a new connection.
    pub connect_timeout: Duration,
    /// Connections for requests. The subscription has one of its own.
    pub connections: usize,
}

impl RedisConfig {
    /// A configuration with the product's deadlines.
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            tls: None,
            deadline: Duration::from_millis(400),
            connect_timeout: Duration::from_secs(2),
            connections: 2,
        }
    }

    /// The client's builder for this configuration.
    pub(crate) fn builder(&self) -> Result<Builder, ConnectError> {
        let mut builder = Builder::from_config(self.client_config()?);
        builder
            .set_policy(reconnect_policy())
            .set_performance_config(PerformanceConfig {
                default_command_timeout: self.deadline,
                broadcast_channel_capacity: MESSAGES_MAX,
                ..PerformanceConfig::default()
            })
            .set_connection_config(ConnectionConfig {
                connection_timeout: self.connect_timeout,
                internal_command_timeout: self.connect_timeout,
                // Never send a vote twice: the first may have counted.
                max_command_attempts: 1,
                max_command_buffer_len: WAITING_MAX,
                unresponsive: UnresponsiveConfig {
                    max_timeout: Some(Duration::from_secs(3)),
                    interval: Duration::from_secs(1),
                },
                tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
                ..ConnectionConfig::default()
            });
        Ok(builder)
    }

    fn client_config(&self) -> Result<Config, ConnectError> {
        let url = self.url.expose();
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| ConnectError::Url("it has no scheme".into()))?;
        let (scheme, wants_tls) = match scheme {
            "redis" | "redis-cluster" => (scheme, false),
            "rediss" => ("redis", true),
            "rediss-cluster" => ("redis-cluster", true),
            _ => return Err(ConnectError::Url("it begins with neither redis:// nor rediss://".into())),
        };
        // The client's error may repeat the password, so it is dropped.
        let mut client = Config::from_url(&format!("{scheme}://{rest}"))
            .map_err(|_| ConnectError::Url("its host, port or database is malformed".into()))?;
        client.version = RespVersion::RESP3;
        // Makes `connect` return the first error instead of trying again without end.
        client.fail_fast = true;
        if wants_tls {
            let roots = self.tls.as_ref().ok_or(ConnectError::NoTls)?;
            let connector = TlsConnector::from(ClientConfig::clone(roots));
            client.tls = Some(TlsConfig { connector, hostnames: TlsHostMapping::None });
        }
        Ok(client)
    }
}

/// Reconnects soon at first, since a restarted Redis is back in a moment; later once a second, without end.
fn reconnect_policy() -> ReconnectPolicy {
    let mut policy = ReconnectPolicy::new_exponential(0, 50, 1_000, 2);
    policy.set_jitter(50);
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<Config, ConnectError> {
        RedisConfig::new(Secret::new(url)).client_config()
    }

    #[test]
    fn four_schemes_are_known() {
        assert!(!parsed("redis://localhost").unwrap().server.is_clustered());
        assert!(parsed("redis-cluster://localhost:7000?node=localhost:7001").unwrap().server.is_clustered());
        for tls in ["rediss://localhost", "rediss-cluster://localhost:7000"] {
            assert!(matches!(parsed(tls), Err(ConnectError::NoTls)));
        }
        for other in ["http://localhost", "localhost", "redis-sentinel://localhost"] {
            assert!(matches!(parsed(other), Err(ConnectError::Url(_))), "{other}");
        }
    }

    #[test]
    fn user_password_and_database_are_taken_from_the_url() {
        let config = parsed("redis://ann:p%40ss@localhost:6380/3").unwrap();
        assert_eq!((config.username.as_deref(), config.password.as_deref()), (Some("ann"), Some("p@ss")));
        assert_eq!(config.database, Some(3));
    }

    #[test]
    fn an_error_repeats_no_password() {
        let error = parsed("redis://:hush@local host:no/x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}
