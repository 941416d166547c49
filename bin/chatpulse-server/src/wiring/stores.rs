//! Chooses the storage technology; the only `match` on it.

#[cfg_attr(not(feature = "fleet"), path = "stores/no_fleet.rs")]
pub(crate) mod fleet;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::login_claims::LoginClaims;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::SettingsRepository;
use chatpulse_domain::ports::shard_leases::ShardLeases;
use chatpulse_domain::ports::signals::Signals;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::tokens::TokenRepository;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_store_embedded::{
    LocalSignals, MemoryLive, SingleInstance, SqliteAppToken, SqliteFile, SqliteLoginClaims,
    SqliteLoginSessions, SqliteSettings, SqliteStreamers, SqliteSubscriptions, SqliteTokens,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::clock::SteadyClock;
use crate::settings::{Database, StoreSettings};

/// A background task of a store, to be run by the server.
pub(crate) type Task =
    Box<dyn FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The ports of the chosen stores.
pub(crate) struct Stores {
    pub(crate) streamers: Arc<dyn StreamerRepository>,
    pub(crate) tokens: Arc<dyn TokenRepository>,
    pub(crate) settings: Arc<dyn SettingsRepository>,
    pub(crate) subscriptions: Arc<dyn SubscriptionRepository>,
    pub(crate) login_sessions: Arc<dyn LoginSessions>,
    pub(crate) login_claims: Arc<dyn LoginClaims>,
    pub(crate) app_token: Arc<dyn AppTokenRepository>,
    pub(crate) live: LiveStores,
    pub(crate) health: Vec<Arc<dyn HealthCheck>>,
    /// Background tasks and their names.
    pub(crate) tasks: Vec<(&'static str, Task)>,
    /// In the order of opening.
    connections: Vec<Box<dyn Connection>>,
}

/// The live-state part of [`Stores`].
pub(crate) struct LiveStores {
    pub(crate) votes: Arc<dyn VoteStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) signals: Arc<dyn Signals>,
    pub(crate) leadership: Arc<dyn Leadership>,
    pub(crate) shards: Arc<dyn ShardLeases>,
    /// Whether other instances may share it.
    pub(crate) is_shared: bool,
}

/// What a store holds until the server has stopped.
#[async_trait]
trait Connection: Send + Sync {
    /// Finishes pending work and disconnects.
    async fn close(&self);
}

#[async_trait]
impl Connection for SqliteFile {
    async fn close(&self) {
        Self::close(self).await;
    }
}

impl Stores {
    pub(crate) async fn open(
        settings: &StoreSettings,
        limit: Option<BucketLimit>,
        instance: &InstanceId,
        tick: Duration,
    ) -> anyhow::Result<Self> {
        let mut stores = match &settings.database {
            Database::Sqlite { path } => Self::in_file(SqliteFile::open(path).await, limit)?,
            Database::InMemory => Self::in_file(SqliteFile::in_memory().await, limit)?,
            Database::Postgres(pg) => fleet::open(pg, limit).await?,
        };
        if let Some(redis) = &settings.redis {
            fleet::join(&mut stores, redis, settings.retries, limit, instance, tick).await?;
        } else if !settings.database.is_sqlite() {
            info!("PostgreSQL without Redis: live state is in this process, so run this one instance only");
        }
        Ok(stores)
    }

    fn in_file(
        file: Result<SqliteFile, chatpulse_store_embedded::OpenError>,
        limit: Option<BucketLimit>,
    ) -> anyhow::Result<Self> {
        let file = file.context("the database could not be opened")?;
        Ok(Self {
            streamers: Arc::new(SqliteStreamers::new(file.clone())),
            tokens: Arc::new(SqliteTokens::new(file.clone())),
            settings: Arc::new(SqliteSettings::new(file.clone())),
            subscriptions: Arc::new(SqliteSubscriptions::new(file.clone())),
            login_sessions: Arc::new(SqliteLoginSessions::new(file.clone())),
            login_claims: Arc::new(SqliteLoginClaims::new(file.clone())),
            app_token: Arc::new(SqliteAppToken::new(file.clone())),
            live: LiveStores::in_process(limit),
            health: vec![Arc::new(file.clone())],
            tasks: Vec::new(),
            connections: vec![Box::new(file)],
        })
    }

    /// Takes the background tasks and leaves the ports.
    pub(crate) fn take_tasks(&mut self) -> Vec<(&'static str, Task)> {
        std::mem::take(&mut self.tasks)
    }

    /// Finishes pending work, then closes the stores. Live state is closed first, because that announces to the other
    /// instances that this one has left.
    pub(crate) async fn close(&self) {
        for connection in self.connections.iter().rev() {
            connection.close().await;
        }
    }
}

impl LiveStores {
    fn in_process(limit: Option<BucketLimit>) -> Self {
        let live = Arc::new(MemoryLive::new(Arc::new(SteadyClock::new()), limit));
        Self {
            votes: Arc::clone(&live) as Arc<dyn VoteStore>,
            sessions: live,
            signals: Arc::new(LocalSignals::new()),
            leadership: Arc::new(SingleInstance),
            shards: Arc::new(SingleInstance),
            is_shared: false,
        }
    }
}
