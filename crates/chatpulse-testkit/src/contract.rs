//! What every adapter of a store port promises, as tests that take any adapter.
//!
//! An adapter's crate calls `holds` with a function that makes a fresh adapter for each promise:
//!
//! ```no_run
//! # use chatpulse_testkit::{clock::TestClock, contract, fakes::FakeLive};
//! # async fn votes_keep_the_contract() {
//! contract::votes::holds(async |limit| FakeLive::new(TestClock::new(), limit).into()).await;
//! # }
//! ```
//!
//! Adapters of live state may share one server, since each promise uses overlays and channels of its own; those of accounts
//! start empty. Promises about atomicity can only fail on a runtime with more than one thread.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::login_claims::LoginClaims;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::SettingsRepository;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::tokens::TokenRepository;
use chatpulse_domain::ports::votes::VoteStore;

pub mod agreement;
pub mod app_token;
pub mod login_claims;
pub mod login_sessions;
pub mod sessions;
pub mod settings;
pub mod share_cost;
pub mod signals;
pub mod streamers;
pub mod subscriptions;
pub mod tokens;
pub mod votes;

/// Moves the clock of an adapter.
#[async_trait]
pub trait TimeControl: Send + Sync {
    /// Moves the clock forward.
    async fn advance(&self, span: Duration);
}

/// A fresh adapter of live state.
pub struct Live {
    /// Votes.
    pub votes: Arc<dyn VoteStore>,
    /// The sessions that the votes count in.
    pub sessions: Arc<dyn SessionStore>,
    /// The clock of both.
    pub time: Arc<dyn TimeControl>,
}

/// A fresh adapter of accounts and settings.
pub struct Accounts {
    /// Who logged in.
    pub streamers: Arc<dyn StreamerRepository>,
    /// Users' tokens.
    pub tokens: Arc<dyn TokenRepository>,
    /// Streamers' settings.
    pub settings: Arc<dyn SettingsRepository>,
    /// Who is logged in now.
    pub login_sessions: Arc<dyn LoginSessions>,
    /// Who claimed the server and names.
    pub login_claims: Arc<dyn LoginClaims>,
    /// Records of EventSub subscriptions.
    pub subscriptions: Arc<dyn SubscriptionRepository>,
    /// The application's token.
    pub app_token: Arc<dyn AppTokenRepository>,
}

/// Equal except for the last digits: stores may add in another order.
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}
