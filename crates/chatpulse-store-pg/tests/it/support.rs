//! Helpers of these tests.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_store_pg::{
    OpenError, PgAppToken, PgConfig, PgLoginClaims, PgLoginSessions, PgPool, PgSettings, PgStreamers,
    PgSubscriptions, PgTokens, Tls, parse_url,
};
use chatpulse_testkit::contract::Accounts;
use chatpulse_testkit::servers::postgres::Database;
use tokio::sync::Mutex;

/// A configuration without TLS, with pauses short enough for a test.
pub(crate) fn config(url: &str) -> PgConfig {
    let connection = parse_url(url).unwrap().connection;
    PgConfig { initial_backoff: Duration::from_millis(50), ..PgConfig::new(connection, Tls::Disabled) }
}

/// All ports on an open pool.
pub(crate) fn accounts_on(pool: &PgPool) -> Accounts {
    Accounts {
        streamers: Arc::new(PgStreamers::new(pool.clone())),
        settings: Arc::new(PgSettings::new(pool.clone())),
        login_sessions: Arc::new(PgLoginSessions::new(pool.clone())),
        login_claims: Arc::new(PgLoginClaims::new(pool.clone())),
        subscriptions: Arc::new(PgSubscriptions::new(pool.clone())),
        app_token: Arc::new(PgAppToken::new(pool.clone())),
        tokens: Arc::new(PgTokens::new(pool.clone())),
    }
}

/// A pool on a database with the newest schema.
pub(crate) async fn migrated(database: &Database) -> PgPool {
    let pool = PgPool::connect(config(&database.url())).await.unwrap();
    pool.migrate().await.unwrap();
    pool
}

/// Databases that exist until the test ends.
#[derive(Default)]
pub(crate) struct Databases(Mutex<Vec<Database>>);

impl Databases {
    /// All ports on a new database.
    pub(crate) async fn accounts(&self) -> Accounts {
        let database = Database::fresh().await;
        let accounts = accounts_on(&migrated(&database).await);
        self.0.lock().await.push(database);
        accounts
    }
}

/// The error of a pool that does not open.
pub(crate) async fn refused(config: PgConfig) -> OpenError {
    match PgPool::connect(config).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

/// Everything that a log could show of an error.
pub(crate) fn everything_about(error: &OpenError) -> String {
    let mut words = vec![format!("{error:?}")];
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        words.push(error.to_string());
        next = error.source();
    }
    words.join("\n")
}
