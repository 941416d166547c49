//! What a simulated Twitch is told before it starts: who exists, and which of Twitch's limits to bend.
//!
//! Every default is Twitch's own number, so a test changes only what it is about.

use std::time::Duration;

/// The application registered at the simulated Twitch, its people and its limits.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The registered application.
    pub client_id: String,
    /// Its secret; the application is of the confidential kind.
    pub client_secret: String,
    /// Further applications, id and secret. Each has tokens, conduits and subscriptions of its own; what users agree to
    /// counts for all of them.
    pub other_clients: Vec<(String, String)>,
    /// Registered redirect addresses, compared exactly. Empty accepts any.
    pub redirect_uris: Vec<String>,
    /// Accounts that can log in. The first is signed in until [`crate::Sim::sign_in_as`].
    pub users: Vec<SimUser>,
    /// 0 draws fresh ids and tokens on every start; any other number draws the same ones again.
    pub seed: u64,
    /// Seconds between keepalives where the client asks for nothing else. Below 10 is for tests only.
    pub keepalive_secs: u64,
    /// Twitch's time limits and quotas.
    pub limits: Limits,
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
            limits: Limits::default(),
        }
    }
}

impl SimConfig {
    /// The secret of a registered application.
    pub(crate) fn secret_of(&self, client_id: &str) -> Option<&str> {
        let others = self.other_clients.iter().map(|(id, secret)| (id, secret));
        let mut all = others.chain([(&self.client_id, &self.client_secret)]);
        all.find(|(id, _)| *id == client_id).map(|(_, secret)| secret.as_str())
    }
}

/// An account at the simulated Twitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimUser {
    /// Numeric id as text; never changes.
    pub id: String,
    /// Name in addresses: lower case.
    pub login: String,
    /// Name as people see it.
    pub display_name: String,
}

impl SimUser {
    /// An account with these three names.
    pub fn new(id: impl Into<String>, login: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self { id: id.into(), login: login.into(), display_name: display_name.into() }
    }
}

/// Twitch's time limits and quotas; tests shorten them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long an unused WebSocket session may stay before close code 4003.
    pub unused_session: Duration,
    /// How long the old socket lives after a reconnect message, before close code 4004.
    pub reconnect_grace: Duration,
    /// Time between pings; no pong by the next one is close code 4002.
    pub ping_interval: Duration,
    /// How long a webhook may take to answer.
    pub webhook_timeout: Duration,
    /// How often one webhook message is sent before it is given up.
    pub webhook_attempts: u32,
    /// Pause before the first resend; doubles with each further one.
    pub webhook_retry_delay: Duration,
    /// Messages given up in a row until a callback is disabled.
    pub webhook_failures_max: u32,
    /// How long an authorization code can be exchanged.
    pub code_lifetime: Duration,
    /// Lifetime of a user access token.
    pub user_token_lifetime: Duration,
    /// Lifetime of an app access token.
    pub app_token_lifetime: Duration,
    /// Whether a refresh replaces the refresh token. The old one is then refused.
    pub rotate_refresh_tokens: bool,
    /// Whether shards that the application takes away go on, as twitchdev/issues#914 says of Twitch.
    pub dropped_shards_stay: bool,
    /// API points in the bucket of one token, refilled over a minute.
    pub points_per_minute: u32,
    /// Entries on one page of shards or subscriptions.
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
