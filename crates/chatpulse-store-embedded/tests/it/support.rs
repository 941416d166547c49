//! Helpers of these tests.

use std::sync::Arc;

use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_store_embedded::{
    MemoryLive, SqliteAppToken, SqliteFile, SqliteLoginClaims, SqliteLoginSessions, SqliteSettings,
    SqliteStreamers, SqliteSubscriptions, SqliteTokens,
};
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::contract::{Accounts, Live};

/// Empty live state with a clock that the test sets.
pub(crate) fn memory_live(limit: Option<BucketLimit>) -> Live {
    let clock = TestClock::new();
    let live = Arc::new(MemoryLive::new(Arc::new(clock.clone()), limit));
    Live { votes: live.clone(), sessions: live, time: Arc::new(clock) }
}

/// All ports on an open file.
pub(crate) fn accounts_in(file: &SqliteFile) -> Accounts {
    Accounts {
        streamers: Arc::new(SqliteStreamers::new(file.clone())),
        settings: Arc::new(SqliteSettings::new(file.clone())),
        login_sessions: Arc::new(SqliteLoginSessions::new(file.clone())),
        login_claims: Arc::new(SqliteLoginClaims::new(file.clone())),
        subscriptions: Arc::new(SqliteSubscriptions::new(file.clone())),
        app_token: Arc::new(SqliteAppToken::new(file.clone())),
        tokens: Arc::new(SqliteTokens::new(file.clone())),
    }
}

/// All ports on a new database.
pub(crate) async fn fresh_accounts() -> Accounts {
    accounts_in(&SqliteFile::in_memory().await.unwrap())
}
