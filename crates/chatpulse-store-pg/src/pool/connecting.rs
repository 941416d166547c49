//! From settings to the first connection.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::NoTls;
use tokio_postgres::config::Config;
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::warn;

use super::PgPool;
use crate::config::{PgConfig, Tls};
use crate::error::{OpenError, Place};

/// How long a call waits for a connection when all are busy. Well inside its deadline, so that it is told why.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(2);

/// The server gives up on a statement before its caller does, so that none runs on for nobody.
const STATEMENT_TIMEOUT: &str = "-c statement_timeout=4000";

const READ_ONLY: &str = "-c default_transaction_read_only=on";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Full,
    ReadOnly,
}

/// A pool that has not connected yet.
pub(super) fn pool(config: PgConfig, access: Access) -> Result<PgPool, OpenError> {
    let place = Place::of(&config.connection);
    let connection = with_options(config.hardened(), access);
    // `Fast` costs nothing and sees every connection whose end was announced; the others are what the second try of
    // a read and the keepalives are for.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &config.tls {
        Tls::Disabled => Manager::from_config(connection, NoTls, recycling),
        Tls::Verified(client) => {
            let connector = MakeRustlsConnect::new(client.as_ref().clone());
            Manager::from_config(connection, connector, recycling)
        }
    };
    let timeouts = Timeouts {
        wait: Some(WAIT_FOR_CONNECTION),
        create: Some(config.connect_timeout),
        recycle: Some(config.connect_timeout),
    };
    let connections = Pool::builder(manager)
        .max_size(config.max_conns.max(1))
        .timeouts(timeouts)
        // The newest first, so that in quiet times the others grow old enough to be closed.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| OpenError::failed(&place, error))?;
    Ok(PgPool { connections, config: Arc::new(config), place })
}

fn with_options(mut connection: Config, access: Access) -> Config {
    let mut options = vec![STATEMENT_TIMEOUT];
    if access == Access::ReadOnly {
        options.push(READ_ONLY);
    }
    let given = connection.get_options().map(str::to_owned);
    options.extend(given.as_deref());
    let options = options.join(" ");
    connection.options(options);
    connection
}

impl PgPool {
    /// A connection, with further tries while that may help.
    pub(super) async fn knock(&self) -> Result<Object, OpenError> {
        let (mut pause, mut tries_left) = (self.config.initial_backoff, self.config.max_retries);
        loop {
            let error = match self.connections.get().await {
                Ok(client) => return Ok(client),
                Err(error) => OpenError::from_pool(&self.place)(error),
            };
            if tries_left == 0 || !error.may_pass() {
                return Err(error);
            }
            warn!("{error}; trying again in {pause:?}, {tries_left} tries left");
            tokio::time::sleep(pause).await;
            (pause, tries_left) = (pause.saturating_mul(2), tries_left - 1);
        }
    }
}
