//! Which technology keeps what: the one `match` on it.

use std::sync::Arc;

use anyhow::Context as _;
use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::SettingsRepository;
use chatpulse_domain::ports::signals::Signals;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::vote::BucketLimit;
use chatpulse_store_embedded::{
    LocalSignals, MemoryLive, SingleInstance, SqliteFile, SqliteLoginSessions, SqliteSettings,
    SqliteStreamers, SqliteSubscriptions,
};

use crate::clock::SteadyClock;
use crate::settings::Database;

/// The ports of whatever was chosen.
pub(crate) struct Stores {
    pub(crate) streamers: Arc<dyn StreamerRepository>,
    pub(crate) settings: Arc<dyn SettingsRepository>,
    pub(crate) subscriptions: Arc<dyn SubscriptionRepository>,
    pub(crate) login_sessions: Arc<dyn LoginSessions>,
    pub(crate) votes: Arc<dyn VoteStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) signals: Arc<dyn Signals>,
    pub(crate) leadership: Arc<dyn Leadership>,
    pub(crate) health: Vec<Arc<dyn HealthCheck>>,
    file: SqliteFile,
}

impl Stores {
    pub(crate) async fn open(database: &Database, limit: Option<BucketLimit>) -> anyhow::Result<Self> {
        let file = match database {
            Database::Sqlite { path } => SqliteFile::open(path).await,
            Database::InMemory => SqliteFile::in_memory().await,
        };
        let file = file.context("the database could not be opened")?;
        let live = Arc::new(MemoryLive::new(Arc::new(SteadyClock::new()), limit));
        Ok(Self {
            streamers: Arc::new(SqliteStreamers::new(file.clone())),
            settings: Arc::new(SqliteSettings::new(file.clone())),
            subscriptions: Arc::new(SqliteSubscriptions::new(file.clone())),
            login_sessions: Arc::new(SqliteLoginSessions::new(file.clone())),
            votes: Arc::clone(&live) as Arc<dyn VoteStore>,
            sessions: live,
            signals: Arc::new(LocalSignals::new()),
            leadership: Arc::new(SingleInstance),
            health: vec![Arc::new(file.clone())],
            file,
        })
    }

    /// Finishes what was begun, then closes.
    pub(crate) async fn close(&self) {
        self.file.close().await;
    }
}
