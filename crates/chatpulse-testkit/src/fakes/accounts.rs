//! Accounts, settings, logins and subscription records in plain lists.

use std::sync::{Arc, Mutex, MutexGuard};

use chatpulse_domain::ids::{ConduitId, StreamerId};
use chatpulse_domain::login::{BotGrant, LoginSession, SealedTokens};
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::streamer::Streamer;
use chatpulse_domain::subscription::ChatSubscription;
use chatpulse_domain::time::Timestamp;

use super::Outage;
use crate::contract::Accounts;

mod app_token;
mod login_sessions;
mod settings;
mod streamers;
mod subscriptions;
mod tokens;

pub use app_token::FakeAppToken;
pub use login_sessions::FakeLoginSessions;
pub use settings::FakeSettings;
pub use streamers::FakeStreamers;
pub use subscriptions::FakeSubscriptions;
pub use tokens::FakeTokens;

/// One database, seen through six ports. Clones are one.
#[derive(Clone)]
pub struct FakeAccounts {
    /// Who logged in.
    pub streamers: Arc<FakeStreamers>,
    /// What they gave.
    pub tokens: Arc<FakeTokens>,
    /// What they set.
    pub settings: Arc<FakeSettings>,
    /// Who is logged in now.
    pub login_sessions: Arc<FakeLoginSessions>,
    /// What Twitch delivers to us.
    pub subscriptions: Arc<FakeSubscriptions>,
    /// What Twitch gave to the application.
    pub app_token: Arc<FakeAppToken>,
    outage: Outage,
}

/// What the six share: each is this with a port of its own.
#[derive(Clone, Default)]
struct Database {
    tables: Arc<Mutex<Tables>>,
    outage: Outage,
}

#[derive(Default)]
struct Tables {
    /// In the order of first logins.
    accounts: Vec<Account>,
    bots: Vec<Bot>,
    logins: Vec<LoginSession>,
    conduit: Option<ConduitId>,
    app_token: Option<SealedTokens>,
    subscriptions: Vec<ChatSubscription>,
}

struct Account {
    streamer: Streamer,
    tokens: Option<SealedTokens>,
    checked_at: Option<Timestamp>,
    agreed_at: Timestamp,
    settings: VersionedSettings,
    /// When it was last saved.
    edited: SettingsVersion,
}

struct Bot {
    grant: BotGrant,
    tokens: Option<SealedTokens>,
    checked_at: Option<Timestamp>,
}

impl FakeAccounts {
    /// With no accounts.
    pub fn new() -> Self {
        let database = Database::default();
        Self {
            outage: database.outage.clone(),
            streamers: Arc::new(FakeStreamers(database.clone())),
            tokens: Arc::new(FakeTokens(database.clone())),
            settings: Arc::new(FakeSettings(database.clone())),
            login_sessions: Arc::new(FakeLoginSessions(database.clone())),
            subscriptions: Arc::new(FakeSubscriptions(database.clone())),
            app_token: Arc::new(FakeAppToken(database)),
        }
    }

    /// Every call through any of the ports fails from now on.
    pub fn break_down(&self) {
        self.outage.begin();
    }

    /// Calls are answered again.
    pub fn recover(&self) {
        self.outage.end();
    }
}

impl From<FakeAccounts> for Accounts {
    fn from(fake: FakeAccounts) -> Self {
        Self {
            streamers: fake.streamers,
            tokens: fake.tokens,
            settings: fake.settings,
            login_sessions: fake.login_sessions,
            subscriptions: fake.subscriptions,
            app_token: fake.app_token,
        }
    }
}

impl Default for FakeAccounts {
    fn default() -> Self {
        Self::new()
    }
}

impl Database {
    /// The tables, unless it broke down.
    fn enter(&self, operation: &'static str) -> Result<MutexGuard<'_, Tables>, StoreError> {
        self.outage.check(operation)?;
        Ok(self.tables.lock().unwrap())
    }
}

impl Tables {
    fn account(&mut self, id: StreamerId) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.streamer.id == id)
    }
}
