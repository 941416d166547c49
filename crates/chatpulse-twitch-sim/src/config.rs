//! Configuration of a simulated Twitch: its accounts, and Twitch's limits, which tests can change.
//!
//! Every default equals Twitch's own value, so a test changes only what it tests.

use std::time::Duration;
use url::Url;

/// The registered application, its accounts and its limits.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Port on 127.0.0.1; 0 selects a free port.
    pub port: u16,
    /// Client id of the registered application.
    pub client_id: String,
    /// Its client secret; the application is a confidential client.
    pub client_secret: String,
    /// Further applications, as id and secret. Each has its own tokens, conduits and subscriptions; user grants are
    /// shared by all.
    pub other_clients: Vec<(String, String)>,
    /// Registered redirect URLs, compared exactly. Empty accepts any URL.
    pub redirect_uris: Vec<String>,
    /// Accounts that can log in. The first is logged in until [`crate::Sim::sign_in_as`].
    pub users: Vec<SimUser>,
    /// Random seed of ids and tokens. 0 produces new ones at every start; any other number repeats the same ones.
    pub seed: u64,
    /// Seconds between keepalives unless the client requests another interval. Values below 10 are for tests only.
    pub keepalive_secs: u64,
    /// By how many seconds the `Date` of every answer is ahead of this machine's clock; negative: behind.
    pub dates_ahead_secs: i64,
    /// Twitch's time limits and quotas.
    pub limits: Limits,
    /// Where a webhook's callback is served on this machine. Stands in for the name server and the reverse proxy of a
    /// real deployment, whose callback is a public `https` URL.
    pub callback_route: fn(&Url) -> Option<Url>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            port: 0,
            client_id: "simulatedclientid0123456789abc".to_owned(),
            client_secret: "simulatedclientsecret012345678".to_owned(),
            other_clients: Vec::new(),
            redirect_uris: Vec::new(),
            users: vec![
                SimUser::new("1971641", "streamer", "Streamer"),
                SimUser::new("2914196", "chatpulse_bot", "ChatPulse_Bot"),
            ],
            seed: 0,
            keepalive_secs: 10,
            dates_ahead_secs: 0,
            limits: Limits::default(),
            callback_route: |_| None,
        }
    }
}

impl SimConfig {
    /// Returns the secret of a registered application.
    pub(crate) fn secret_of(&self, client_id: &str) -> Option<&str> {
        let others = self.other_clients.iter().map(|(id, secret)| (id, secret));
        let mut all = others.chain([(&self.client_id, &self.client_secret)]);
        all.find(|(id, _)| *id == client_id).map(|(_, secret)| secret.as_str())
    }
}

/// An account at the simulated Twitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimUser {
    /// Numeric id as text; it never changes.
    pub id: String,
    /// Login name, in lower case, as used in URLs.
    pub login: String,
    /// Display name.
    pub display_name: String,
}

impl SimUser {
    /// Creates an account with this id and these names.
    pub fn new(id: impl Into<String>, login: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self { id: id.into(), login: login.into(), display_name: display_name.into() }
    }
}

/// Twitch's time limits and quotas; tests shorten them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long an unused WebSocket session may stay open before close code 4003.
    pub unused_session: Duration,
    /// How long the old socket stays open after a reconnect message, before close code 4004.
    pub reconnect_grace: Duration,
    /// Interval between pings. A pong that is missing at the next ping causes close code 4002.
    pub ping_interval: Duration,
    /// Timeout of a webhook response.
    pub webhook_timeout: Duration,
    /// Maximum attempts to deliver one webhook message.
    pub webhook_attempts: u32,
    /// Delay before the first retry; it doubles with each further one.
    pub webhook_retry_delay: Duration,
    /// Consecutive undelivered messages after which a callback is disabled.
    pub webhook_failures_max: u32,
    /// Lifetime of an authorization code.
    pub code_lifetime: Duration,
    /// Lifetime of a user access token.
    pub user_token_lifetime: Duration,
    /// Lifetime of an app access token.
    pub app_token_lifetime: Duration,
    /// Whether a refresh replaces the refresh token. The old one is then rejected.
    pub rotate_refresh_tokens: bool,
    /// Whether shards removed by the application keep receiving events, as twitchdev/issues#914 reports for Twitch.
    pub dropped_shards_stay: bool,
    /// API points in the bucket of one token, refilled within one minute.
    pub points_per_minute: u32,
    /// Maximum entries on one page of shards or subscriptions.
    pub page_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unused_session: Duration::from_secs(10),
            reconnect_grace: Duration::from_secs(30),
            ping_interval: Duration::from_secs(15),
            webhook_timeout: Duration::from_secs(10),
            webhook_attempts: 5,
            webhook_retry_delay: Duration::from_secs(2),
            webhook_failures_max: 100,
            code_lifetime: Duration::from_mins(10),
            user_token_lifetime: Duration::from_hours(4),
            app_token_lifetime: Duration::from_hours(58 * 24),
            rotate_refresh_tokens: true,
            dropped_shards_stay: false,
            points_per_minute: 800,
            page_size: 100,
        }
    }
}
