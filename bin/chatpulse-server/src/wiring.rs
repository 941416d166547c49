//! The parts, put together: stores, engine, hub, Twitch, HTTP. The only place that names two technologies.

mod keys;
mod listener;
pub(crate) mod metrics;
pub(crate) mod stores;
mod twitch;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chatpulse_broadcast::hub::{Hub, HubConfig};
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::chat_sink::ChatSink;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_domain::ports::twitch_login::TwitchLogin;
use chatpulse_domain::ports::webhook_gate::WebhookGate;
use chatpulse_engine::housekeeping::Housekeeping;
use chatpulse_engine::{Engine, Policy, Ports};
use chatpulse_telemetry::metered::MeteredSink;
use chatpulse_telemetry::metrics::Metrics;
use chatpulse_twitch::app_token::SharedToken;
use chatpulse_twitch::config::Transport;
use chatpulse_twitch::eventsub::gate::TwitchGate;
use chatpulse_twitch::eventsub::router::EventRouter;
use chatpulse_twitch::eventsub::socket::EventSubSocket;
use chatpulse_twitch::feed::worker::{FeedPorts, FeedWorker};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::login::OauthLogin;
use chatpulse_twitch::tokens::RingCipher;
use chatpulse_web::{Server, WebPorts};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::lifecycle::Lifecycle;
use crate::settings::Settings;
pub(crate) use keys::DerivedKeys;
use listener::open_port;
use metrics::{counted, note_figures, note_single_instance};
use stores::{Stores, Task};
pub(crate) use twitch::twitch_config;

/// What is kept of the time of a stop for letting go of sessions, at most.
const FOR_LETTING_GO: Duration = Duration::from_secs(3);

/// For letting go of sessions, also when a request took all the time that a stop may take.
const AT_LEAST: Duration = Duration::from_millis(500);

/// Everything that runs, before it runs.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) stores: Stores,
    store_tasks: Vec<(&'static str, Task)>,
    server: Server,
    web: WebPorts,
    hub: Hub,
    housekeeping: Housekeeping,
    worker: FeedWorker,
    socket: Option<EventSubSocket>,
    metrics: Metrics,
}

impl Parts {
    /// Opens stores and port and puts everything together. Nothing of it runs yet.
    pub(crate) async fn build(settings: Settings, metrics: Metrics) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let instance = instance_id()?;
        debug!("opening storage");
        let mut stores =
            Stores::open(&settings.stores, settings.limits.votes, &instance, settings.limits.tick).await?;
        let keys = DerivedKeys::load(&settings.stores)?;
        debug!("opening the port");
        let server = open_port(&settings, &keys)?;

        let twitch = twitch_config(&settings)?;
        let cipher = Arc::new(RingCipher::new(&keys.token_key, &keys.token_keys_old));
        let shared = SharedToken { kept: Arc::clone(&stores.app_token), cipher: Arc::clone(&cipher) };
        let helix = Helix::new(twitch.clone(), Arc::clone(&clock), Some(shared));
        let helix = Arc::new(helix.context("could not set up the connection to Twitch")?);
        let feed_ports = FeedPorts {
            records: Arc::clone(&stores.subscriptions),
            signals: Arc::clone(&stores.live.signals),
            leadership: Arc::clone(&stores.live.leadership),
            shards: Arc::clone(&stores.live.shards),
        };
        let (worker, feed) = FeedWorker::new(helix, feed_ports, &twitch);
        let login: Arc<dyn TwitchLogin> = Arc::new(
            OauthLogin::new(twitch.clone(), Arc::clone(&clock)).context("could not set up logging in")?,
        );
        let ports = Ports {
            clock: Arc::clone(&clock),
            votes: Arc::clone(&stores.live.votes),
            sessions: Arc::clone(&stores.live.sessions),
            signals: Arc::clone(&stores.live.signals),
            streamers: Arc::clone(&stores.streamers),
            tokens: Arc::clone(&stores.tokens),
            settings: Arc::clone(&stores.settings),
            login_sessions: Arc::clone(&stores.login_sessions),
            login: Arc::clone(&login),
            feed: Arc::new(feed.clone()),
            cipher,
            leadership: Arc::clone(&stores.live.leadership),
        };
        let (engine, housekeeping) = Engine::new(&ports, &policy(&settings, instance));
        engine.reader.load(stores.streamers.as_ref()).await.context("could not read who logged in first")?;
        warn_about_tokens(&engine).await;

        let (hub, hub_handle) = Hub::new(HubConfig {
            votes: Arc::clone(&stores.live.votes),
            sessions: Arc::clone(&stores.live.sessions),
            signals: Arc::clone(&stores.live.signals),
            tick: settings.limits.tick,
            clients_per_session_max: settings.limits.clients_per_session_max,
        });
        let sink: Arc<dyn ChatSink> =
            Arc::new(MeteredSink::new(Arc::clone(&engine.pipeline) as Arc<dyn ChatSink>));
        let router = EventRouter::new(
            Arc::clone(&clock),
            feed.clone(),
            Arc::clone(&engine.grants) as Arc<dyn GrantSink>,
        );
        let webhook = (!settings.twitch.webhook_secrets.is_empty()).then(|| {
            Arc::new(TwitchGate::new(&settings.twitch.webhook_secrets, router.clone()))
                as Arc<dyn WebhookGate>
        });
        let socket = matches!(twitch.transport, Transport::WebSocket)
            .then(|| EventSubSocket::new(twitch, feed, router, Arc::clone(&sink)));
        let rendering = metrics.clone();
        let web = WebPorts {
            engine: engine.clone(),
            hub: hub_handle,
            clock,
            login,
            login_sessions: Arc::clone(&stores.login_sessions),
            streamers: Arc::clone(&stores.streamers),
            sink,
            webhook,
            health: stores.health.clone(),
            metrics: Arc::new(move || rendering.render()),
        };
        let housekeeping = counted(housekeeping);
        note_figures(&metrics, &engine);
        if !stores.live.is_shared {
            note_single_instance();
        }
        let store_tasks = stores.take_tasks();
        Ok(Self { engine, stores, store_tasks, server, web, hub, housekeeping, worker, socket, metrics })
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.server.address()
    }

    /// Runs until stopped, then stops in order. True if nothing failed.
    pub(crate) async fn run(self, lifecycle: Lifecycle, grace: Duration) -> anyhow::Result<bool> {
        let stop = lifecycle.stop.clone();
        for (name, task) in self.store_tasks {
            lifecycle.own(name, task(lifecycle.after_http.clone()));
        }
        lifecycle.own("hub", self.hub.run(lifecycle.after_http.clone()));
        lifecycle.own("housekeeping", self.housekeeping.run(lifecycle.after_http.clone()));
        lifecycle.own("metrics upkeep", self.metrics.upkeep(stop.clone()));
        // Lines that are typed while the last requests end are votes all the same.
        lifecycle.own("Twitch feed", self.worker.run(lifecycle.after_http.clone()));
        if let Some(socket) = self.socket {
            lifecycle.own("EventSub socket", socket.run(lifecycle.after_http.clone()));
        }
        let asked_to_stop = stop.clone();
        let deadline = tokio::spawn(async move {
            asked_to_stop.cancelled().await;
            Instant::now() + grace
        });
        // A part of the time is kept for telling the others.
        let for_http = grace.saturating_sub((grace / 5).min(FOR_LETTING_GO));
        let served = self.server.run(self.web, stop.clone(), for_http).await;
        stop.cancel();
        // One span for the whole, however it is divided; what is left over others find out by themselves.
        let deadline = deadline.await.context("the time of the stop is not known")?;
        let letting_go = async {
            lifecycle.after_http.cancel();
            let clean = lifecycle.wind_down(grace).await;
            self.engine.sessions.release_all().await;
            self.stores.close().await;
            clean
        };
        let clean = timeout_at(deadline.max(Instant::now() + AT_LEAST), letting_go).await;
        served.context("the HTTP server failed")?;
        if clean.is_err() {
            warn!(
                "not everything could be let go of within SHUTDOWN_TIMEOUT; other instances find out by themselves"
            );
        }
        Ok(clean.unwrap_or(false))
    }
}

fn policy(settings: &Settings, instance: InstanceId) -> Policy {
    let limits = &settings.limits;
    Policy {
        instance,
        bot: settings.twitch.bot.clone(),
        cleanup_interval: limits.cleanup_interval,
        orphan_max_age: limits.orphan_max_age,
        subscription_grace: limits.subscription_grace,
        reconcile_interval: limits.reconcile_interval,
        overlays_max: limits.overlays.connections_max,
    }
}

/// `hostname-PID`, made unique per start: a new process must not be mistaken for the old one.
fn instance_id() -> anyhow::Result<InstanceId> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(char::is_ascii_graphic).take(64).collect();
    let unique = Uuid::new_v4().simple().to_string();
    Ok(InstanceId::new(&format!("{host}-{}-{}", std::process::id(), &unique[..8]))?)
}

/// A wrong key harms nobody but those whose tokens it cannot open: they log in again.
async fn warn_about_tokens(engine: &Engine) {
    match engine.accounts.count_unopenable().await {
        Ok((0, _)) => {}
        Ok((shut, all)) => warn!(
            "the tokens of {shut} of {all} accounts cannot be opened with TOKEN_ENCRYPTION_KEY; put the earlier key into \
             TOKEN_ENCRYPTION_KEYS_OLD, or let those streamers log in again and the bot agree again"
        ),
        Err(error) => warn!(%error, "stored tokens could not be checked"),
    }
}
