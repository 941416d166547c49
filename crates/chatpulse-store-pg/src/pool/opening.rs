//! Opens the pool: from a configuration to the first connection.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::warn;

use super::{Access, PgPool, PoolToCheck};
use crate::config::{PgConfig, Tls};
use crate::open_error::OpenError;
use crate::schema;
use crate::target::Target;

/// How long a query waits for a connection when all are busy. Well within the query's deadline, so that the error can
/// say why.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(2);

impl PgPool {
    /// Opens the first connection, with retries while the server is out of reach. Does not migrate.
    pub async fn connect(config: PgConfig) -> Result<Self, OpenError> {
        let pool = Self::new(config, Access::Full)?;
        drop(pool.connect_with_retry().await?);
        Ok(pool)
    }

    /// Opens the database for reading, beside running servers. Tries once, and does not migrate.
    pub async fn open_for_check(config: PgConfig) -> Result<PoolToCheck, OpenError> {
        let config = PgConfig { max_retries: 0, ..config };
        let pool = Self::new(config, Access::ReadOnly)?;
        let client = pool.connect_with_retry().await?;
        let migrations_pending = schema::pending(&client, &pool.target).await?;
        drop(client);
        Ok(PoolToCheck { pool, migrations_pending })
    }

    /// A pool without connections.
    fn new(config: PgConfig, access: Access) -> Result<Self, OpenError> {
        let target = Target::of(&config.connection);
        let connection = config.client_config();
        // `Fast` costs nothing and notices connections that the server closed. Retried reads and keepalives find those
        // that died silently.
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
            // The newest first, so that the others become idle for long enough to be closed.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| OpenError::failed(&target, error))?;
        Ok(Self { connections, config: Arc::new(config), target, access })
    }

    /// Returns a connection; retries while that may help.
    pub(super) async fn connect_with_retry(&self) -> Result<Object, OpenError> {
        let (mut pause, mut retries_left) = (self.config.initial_backoff, self.config.max_retries);
        loop {
            let error = match self.connections.get().await {
                Ok(client) => return Ok(client),
                Err(error) => OpenError::from_pool(&self.target)(error),
            };
            if retries_left == 0 || !error.is_transient() {
                return Err(error);
            }
            warn!(%error, retries_left, "failed to connect to PostgreSQL; retrying in {pause:?}");
            tokio::time::sleep(pause).await;
            (pause, retries_left) = (pause.saturating_mul(2), retries_left - 1);
        }
    }
}
