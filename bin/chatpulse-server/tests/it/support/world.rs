//! A server and the simulated Twitch that it uses.

use chatpulse_twitch_sim::{ChatLine, Chatter, Limits, Sim, SimConfig, SimUser};

use super::chat::Line;
use super::metrics::Metrics;
use super::server::{Server, Setup};
use super::streamer::Streamer;

pub(crate) const STREAMER: &str = "1971641";
pub(crate) const BOT: &str = "2914196";
pub(crate) const OTHER: &str = "3300033";
pub(crate) const SECRET: &str = "a webhook secret of this test";
pub(crate) const CLIENT_ID: &str = "simulatedclientid0123456789abc";
pub(crate) const CLIENT_SECRET: &str = "simulatedclientsecret012345678";

/// The `result` labels of a vote.
pub(crate) const RESULTS: [&str; 10] = [
    "applied",
    "debounced",
    "rate_limited",
    "duplicate",
    "no_match",
    "paused",
    "no_session",
    "stale",
    "malformed",
    "error",
];

/// The transport that delivers chat to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Socket,
    Webhook,
}

impl Way {
    /// Starts a server that uses this Twitch.
    pub(crate) async fn start(self, setup: Setup) -> Server {
        match self {
            Self::Socket => Server::start(setup).await,
            Self::Webhook => Server::start_with(|port| with_webhook(setup.clone(), port)).await,
        }
    }
}

/// Runs the same test once for each [`Way`].
macro_rules! by_both_ways {
    ($($story:ident)*) => {
        mod by_socket {
            $(#[tokio::test]
            async fn $story() {
                super::$story(crate::support::world::Way::Socket).await;
            })*
        }
        mod by_webhook {
            $(#[tokio::test]
            async fn $story() {
                super::$story(crate::support::world::Way::Webhook).await;
            })*
        }
    };
}
pub(crate) use by_both_ways;

pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) server: Server,
}

/// Returns three accounts and short delays.
pub(crate) fn sim_config() -> SimConfig {
    SimConfig {
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        users: vec![
            SimUser::new(STREAMER, "streamer", "Streamer"),
            SimUser::new(BOT, "chatpulse_bot", "ChatPulse_Bot"),
            SimUser::new(OTHER, "other", "Other"),
        ],
        limits: Limits {
            webhook_retry_delay: std::time::Duration::from_millis(5),
            webhook_attempts: 3,
            ..Limits::default()
        },
        callback_route: |callback| {
            let port = callback.host_str()?.strip_prefix("port-")?.strip_suffix(".example.com")?;
            format!("http://127.0.0.1:{port}{}", callback.path()).parse().ok()
        },
        ..SimConfig::default()
    }
}

/// Returns the setup of a server that uses this Twitch and receives chat over the EventSub socket.
pub(crate) fn setup_for(sim: &Sim) -> Setup {
    Setup::bare()
        .set("TWITCH_CLIENT_ID", CLIENT_ID)
        .set("TWITCH_CLIENT_SECRET", CLIENT_SECRET)
        .set("TWITCH_REDIRECT_URI", "http://127.0.0.1/auth/callback")
        .set("ALLOWED_STREAMERS", "*")
        .set("TWITCH_AUTH_URL", sim.auth_url())
        .set("TWITCH_API_URL", sim.api_url())
        .set("TWITCH_EVENTSUB_WS_URL", sim.eventsub_ws_url())
}

/// Disables rate limits, for a test that sends many requests.
pub(crate) fn unhurried(setup: Setup) -> Setup {
    setup.set("AUTH_RATE_PER_MINUTE", "0").set("API_RATE_PER_MINUTE", "0")
}

/// Adds the webhook settings for a server on this port.
pub(crate) fn with_webhook(setup: Setup, port: u16) -> Setup {
    setup
        .set("WEBHOOK_CALLBACK_URL", format!("https://port-{port}.example.com/webhooks/eventsub"))
        .set("WEBHOOK_SECRET", SECRET)
        .set("BOT_USER_ID", BOT)
}

impl World {
    /// Starts a world with this transport. The bot's account is not the streamer's and has granted its scopes.
    pub(crate) async fn by(way: Way) -> Self {
        Self::by_with(way, |setup| setup).await
    }

    pub(crate) async fn by_with(way: Way, change: impl Fn(Setup) -> Setup) -> Self {
        let sim = Sim::start(sim_config()).await.unwrap();
        sim.grant(BOT, &["user:read:chat", "user:bot"]);
        let server = way.start(change(unhurried(setup_for(&sim)))).await;
        Self { sim, server }
    }

    /// Receives chat over the EventSub socket.
    pub(crate) async fn websocket() -> Self {
        Self::websocket_with(|setup| setup).await
    }

    pub(crate) async fn websocket_with(change: impl Fn(Setup) -> Setup) -> Self {
        let sim = Sim::start(sim_config()).await.unwrap();
        let server = Server::start(change(setup_for(&sim))).await;
        Self { sim, server }
    }

    /// Receives chat by webhook.
    pub(crate) async fn webhook() -> Self {
        Self::webhook_with(|setup| setup).await
    }

    pub(crate) async fn webhook_with(change: impl Fn(Setup) -> Setup) -> Self {
        let sim = Sim::start(sim_config()).await.unwrap();
        sim.grant(BOT, &["user:read:chat", "user:bot"]);
        let setup = setup_for(&sim);
        let server = Server::start_with(|port| change(with_webhook(setup.clone(), port))).await;
        Self { sim, server }
    }

    pub(crate) async fn log_in(&self) -> Streamer {
        Streamer::log_in(&self.server, &self.sim, STREAMER).await
    }

    pub(crate) async fn metrics(&self) -> Metrics {
        Metrics::of(&self.server).await
    }

    /// Sends a chat message at Twitch.
    pub(crate) async fn say(&self, chatter: &str, text: &str) {
        let line = ChatLine::new(STREAMER, Chatter::named(chatter), text);
        let delivered = self.sim.say(line).await;
        assert_eq!(delivered.deliveries, 1, "Twitch knows that we read this chat");
    }

    /// Posts a chat message to the webhook. Returns the result label that was counted.
    pub(crate) async fn outcome(&self, line: &Line) -> &'static str {
        self.outcome_of(&line.post()).await
    }

    pub(crate) async fn outcome_of(&self, post: &super::chat::Post) -> &'static str {
        let before = self.metrics().await;
        post.send(&self.server).await.expect(204);
        let after = self.metrics().await;
        let counted =
            |metrics: &Metrics, result| metrics.value("vote_processing_total", &[("result", result)]);
        let rose: Vec<&str> =
            RESULTS.into_iter().filter(|result| counted(&after, result) > counted(&before, result)).collect();
        assert_eq!(rose.len(), 1, "one delivery has one outcome, and this had {rose:?}");
        assert!((after.sum("vote_processing_total") - before.sum("vote_processing_total") - 1.0).abs() < 0.5);
        rose[0]
    }
}
