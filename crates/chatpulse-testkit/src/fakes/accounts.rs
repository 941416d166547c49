//! Accounts, settings, logins and subscription records in an SQLite database in memory that a test can make fail.

use std::sync::Arc;

use chatpulse_domain::access::{Claim, Fingerprint};
use chatpulse_domain::command::PauseChange;
use chatpulse_domain::ids::{ChannelId, ConduitId, OverlayId, StreamerId, SubscriptionId, TwitchUserId};
use chatpulse_domain::login::{BotGrant, LoginHash, LoginSession, SealedTokens};
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_claims::LoginClaims;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation, StreamerRepository};
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenRepository};
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use chatpulse_domain::subscription::ChatSubscription;
use chatpulse_domain::time::Timestamp;
use chatpulse_store_embedded::{
    SqliteAppToken, SqliteFile, SqliteLoginClaims, SqliteLoginSessions, SqliteSettings, SqliteStreamers,
    SqliteSubscriptions, SqliteTokens,
};

use super::{Outage, forward_port, wait_for};
use crate::contract::Accounts;

/// One database behind an outage, seen through seven ports. Clones share one database.
#[derive(Clone)]
pub struct FakeAccounts {
    /// Who logged in.
    pub streamers: Arc<WithOutage<SqliteStreamers>>,
    /// Users' tokens.
    pub tokens: Arc<WithOutage<SqliteTokens>>,
    /// Streamers' settings.
    pub settings: Arc<WithOutage<SqliteSettings>>,
    /// Who is logged in now.
    pub login_sessions: Arc<WithOutage<SqliteLoginSessions>>,
    /// Who claimed the server and names.
    pub login_claims: Arc<WithOutage<SqliteLoginClaims>>,
    /// Records of EventSub subscriptions.
    pub subscriptions: Arc<WithOutage<SqliteSubscriptions>>,
    /// The application's token.
    pub app_token: Arc<WithOutage<SqliteAppToken>>,
    outage: Outage,
}

/// A port of the database that fails during an outage.
pub struct WithOutage<S> {
    store: S,
    outage: Outage,
}

impl<S> WithOutage<S> {
    fn new(store: S, outage: &Outage) -> Arc<Self> {
        Arc::new(Self { store, outage: outage.clone() })
    }

    fn reach(&self) -> Result<&S, StoreError> {
        self.outage.check()?;
        Ok(&self.store)
    }
}

impl FakeAccounts {
    /// A database without accounts.
    pub fn new() -> Self {
        let file = wait_for(SqliteFile::in_memory()).unwrap();
        let outage = Outage::default();
        Self {
            streamers: WithOutage::new(SqliteStreamers::new(file.clone()), &outage),
            tokens: WithOutage::new(SqliteTokens::new(file.clone()), &outage),
            settings: WithOutage::new(SqliteSettings::new(file.clone()), &outage),
            login_sessions: WithOutage::new(SqliteLoginSessions::new(file.clone()), &outage),
            login_claims: WithOutage::new(SqliteLoginClaims::new(file.clone()), &outage),
            subscriptions: WithOutage::new(SqliteSubscriptions::new(file.clone()), &outage),
            app_token: WithOutage::new(SqliteAppToken::new(file), &outage),
            outage,
        }
    }

    /// Makes every call through any of the ports fail from now on.
    pub fn break_down(&self) {
        self.outage.begin();
    }

    /// Lets calls be answered again.
    pub fn recover(&self) {
        self.outage.end();
    }
}

impl Default for FakeAccounts {
    fn default() -> Self {
        Self::new()
    }
}

impl From<FakeAccounts> for Accounts {
    fn from(fake: FakeAccounts) -> Self {
        Self {
            streamers: fake.streamers,
            tokens: fake.tokens,
            settings: fake.settings,
            login_sessions: fake.login_sessions,
            login_claims: fake.login_claims,
            subscriptions: fake.subscriptions,
            app_token: fake.app_token,
        }
    }
}

forward_port! {
    StreamerRepository for WithOutage<SqliteStreamers> {
        fn sign_in(profile: &TwitchProfile, tokens: &SealedTokens) -> Streamer;
        fn find(id: StreamerId) -> Option<Streamer>;
        fn find_by_twitch_id(twitch_id: &TwitchUserId) -> Option<Streamer>;
        fn find_by_overlay(overlay: OverlayId) -> Option<Streamer>;
        fn first() -> Option<Streamer>;
        fn rotate_overlay(id: StreamerId) -> Option<Rotation>;
        fn delete(id: StreamerId) -> Option<DeletedAccount>;
        fn record_bot_grant(grant: &BotGrant, tokens: Option<&SealedTokens>) -> ();
        fn find_bot_grant(bot: &TwitchUserId) -> Option<BotGrant>;
    }
}

forward_port! {
    TokenRepository for WithOutage<SqliteTokens> {
        fn all() -> Vec<StoredTokens>;
        fn of_user(user: &TwitchUserId) -> Vec<StoredTokens>;
        fn unchecked_since(then: Timestamp, max: usize) -> Vec<StoredTokens>;
        fn renew(old: &StoredTokens, new: &SealedTokens, at: Timestamp) -> bool;
        fn delete(old: &StoredTokens) -> bool;
        fn end_grant(user: &TwitchUserId, at: Timestamp) -> bool;
    }
}

forward_port! {
    SettingsRepository for WithOutage<SqliteSettings> {
        fn find(streamer: StreamerId) -> Option<VersionedSettings>;
        fn seeds(overlays: &[OverlayId]) -> Vec<SessionSeed>;
        fn save(streamer: StreamerId, settings: &OverlaySettings, based_on: Option<SettingsVersion>) -> SaveOutcome;
        fn change_pause(streamer: StreamerId, change: PauseChange) -> Option<VersionedSettings>;
    }
}

forward_port! {
    LoginSessions for WithOutage<SqliteLoginSessions> {
        fn begin(session: &LoginSession) -> ();
        fn find(hash: LoginHash, now: Timestamp) -> Option<LoginSession>;
        fn all_of(streamer: StreamerId, now: Timestamp) -> Vec<LoginSession>;
        fn streamers(now: Timestamp) -> Vec<StreamerId>;
        fn end(hash: LoginHash) -> ();
        fn end_all(streamer: StreamerId) -> ();
        fn spend_state(state: LoginHash, expires_at: Timestamp) -> bool;
        fn is_spent(state: LoginHash, now: Timestamp) -> bool;
        fn delete_expired(now: Timestamp) -> u64;
    }
}

forward_port! {
    LoginClaims for WithOutage<SqliteLoginClaims> {
        fn claim(on: Fingerprint, user: Fingerprint) -> Fingerprint;
        fn all() -> Vec<Claim>;
    }
}

forward_port! {
    SubscriptionRepository for WithOutage<SqliteSubscriptions> {
        fn conduit() -> Option<ConduitId>;
        fn replace_conduit(old: Option<&ConduitId>, new: &ConduitId) -> bool;
        fn all() -> Vec<ChatSubscription>;
        fn find(broadcaster: &ChannelId) -> Option<ChatSubscription>;
        fn put(subscription: &ChatSubscription) -> ();
        fn delete(broadcaster: &ChannelId, id: &SubscriptionId) -> ();
    }
}

forward_port! {
    AppTokenRepository for WithOutage<SqliteAppToken> {
        fn find() -> Option<SealedTokens>;
        fn replace(old: Option<&SealedTokens>, new: &SealedTokens) -> bool;
    }
}
