//! Composes the server from stores, engine, hub, Twitch and HTTP. Only the files here combine two technologies.
//!
//! [`Parts::build`] lists the parts; [`Parts::run`] starts and stops them.

mod keys;
mod listener;
pub(crate) mod metrics;
pub(crate) mod private_files;
pub(crate) mod stores;
mod twitch;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chatpulse_broadcast::handle::HubHandle;
use chatpulse_broadcast::hub::{Hub, HubConfig};
use chatpulse_domain::access::Access;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::chat_sink::ChatSink;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_engine::housekeeping::Housekeeping;
use chatpulse_engine::{Engine, Policy, Ports};
use chatpulse_telemetry::metered::MeteredSink;
use chatpulse_telemetry::metrics::Metrics;
use chatpulse_twitch::eventsub::socket::EventSubSocket;
use chatpulse_twitch::feed::worker::FeedWorker;
use chatpulse_web::{Server, Shutdown, WebPorts};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::lifecycle::Lifecycle;
use crate::settings::Settings;
use keys::KeyOrigin;
pub(crate) use keys::{DerivedKeys, KeysToCheck};
pub(crate) use listener::addresses;
use listener::open_ports;
use metrics::{count_rounds, note_figures, note_single_instance};
use stores::{Stores, Task};
use twitch::Twitch;
pub(crate) use twitch::twitch_config;

/// Maximum share of the shutdown time that is reserved for releasing sessions.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(3);

/// Minimum time for releasing sessions, even when requests used the whole shutdown time.
const RELEASE_TIME_MIN: Duration = Duration::from_millis(500);

/// All parts of the server, before they run.
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
    /// Opens the stores and the port and composes the rest. Starts no task.
    pub(crate) async fn build(settings: Settings, metrics: Metrics) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let instance = instance_id()?;
        debug!("opening storage");
        let limits = &settings.limits;
        let mut stores = Stores::open(&settings.stores, limits.votes, &instance, limits.tick).await?;
        let keys = DerivedKeys::load(&settings.stores)?;
        for warning in private_files::warnings(&settings.stores) {
            warn!("{warning}");
        }
        debug!("opening the ports");
        let server = open_ports(&settings, &keys)?;
        debug!("composing the engine");
        let twitch = Twitch::build(&settings, &keys, &stores, &clock)?;
        let (engine, housekeeping) =
            Engine::new(&ports(&stores, &twitch, &clock), &policy(&settings, instance));
        engine.reader.load(stores.streamers.as_ref()).await.context("could not read who logged in first")?;
        warn_about_keys(&engine, &keys.origin).await;
        say_who_may_log_in(&settings.access);
        end_refused_logins(&engine).await?;
        let (hub, hub_handle) = build_hub(&settings, &stores);

        // Every chat message passes through this sink, which counts it and hands it to the engine.
        let pipeline = Arc::clone(&engine.pipeline) as Arc<dyn ChatSink>;
        let sink: Arc<dyn ChatSink> = Arc::new(MeteredSink::new(pipeline));
        let grants = Arc::clone(&engine.withdrawals) as Arc<dyn GrantSink>;
        let inputs = twitch.chat_inputs(&settings, &sink, grants);
        let (rendering, twitch_clock) = (metrics.clone(), twitch.clock.clone());
        let web = WebPorts {
            engine: engine.clone(),
            hub: hub_handle,
            clock,
            login: twitch.login,
            login_sessions: Arc::clone(&stores.login_sessions),
            streamers: Arc::clone(&stores.streamers),
            sink,
            webhook: inputs.webhook,
            health: stores.health.clone(),
            clock_offset: Arc::new(move || twitch_clock.offset()),
            metrics: Arc::new(move || rendering.render()),
        };
        note_figures(&metrics, &engine);
        if !stores.live.is_shared {
            note_single_instance();
        }
        Ok(Self {
            store_tasks: stores.take_tasks(),
            housekeeping: count_rounds(housekeeping),
            worker: twitch.worker,
            socket: inputs.socket,
            engine,
            stores,
            server,
            web,
            hub,
            metrics,
        })
    }

    /// Returns the address that the server listens on.
    pub(crate) fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.server.address()
    }

    /// Returns the address of the listener for operators, if they have one of their own.
    pub(crate) fn operators_address(&self) -> std::io::Result<Option<std::net::SocketAddr>> {
        self.server.operators_address()
    }

    /// Runs until stopped, then stops the parts in order. Returns true if nothing failed.
    pub(crate) async fn run(self, lifecycle: Lifecycle, grace: Duration) -> anyhow::Result<bool> {
        let stop = lifecycle.stop.clone();
        let after_http = || lifecycle.after_http.clone();
        for (name, task) in self.store_tasks {
            lifecycle.own(name, task(after_http()));
        }
        lifecycle.own("hub", self.hub.run(after_http()));
        own_housekeeping(&lifecycle, self.housekeeping);
        lifecycle.own("metrics upkeep", self.metrics.upkeep(stop.clone()));
        // Keep counting chat that arrives while the last requests end.
        lifecycle.own("Twitch feed", self.worker.run(after_http()));
        if let Some(socket) = self.socket {
            lifecycle.own("EventSub socket", socket.run(after_http()));
        }
        let asked_to_stop = stop.clone();
        let deadline = tokio::spawn(async move {
            asked_to_stop.cancelled().await;
            Instant::now() + grace
        });
        let http_grace = grace.saturating_sub((grace / 5).min(RELEASE_TIME_MAX));
        let shutdown = Shutdown { leaving: lifecycle.leaving.clone(), stop: stop.clone(), grace: http_grace };
        let served = self.server.run(self.web, shutdown).await;
        stop.cancel();
        // One deadline covers all steps of the shutdown.
        let deadline = deadline.await.context("the deadline of the shutdown is not known")?;
        let release = async {
            lifecycle.after_http.cancel();
            let clean = lifecycle.wind_down(grace).await;
            self.engine.sessions.release_all().await;
            self.stores.close().await;
            clean
        };
        let clean = timeout_at(deadline.max(Instant::now() + RELEASE_TIME_MIN), release).await;
        served.context("the HTTP server failed")?;
        if clean.is_err() {
            warn!(
                "failed to release everything within SHUTDOWN_TIMEOUT; other instances take over after their heartbeat timeout"
            );
        }
        Ok(clean.unwrap_or(false))
    }
}

/// Spawns one task for each job. A job that ends too early stops the server.
fn own_housekeeping(lifecycle: &Lifecycle, jobs: Housekeeping) {
    let stop = || lifecycle.after_http.clone();
    lifecycle.own("signal listener", jobs.signals.run(stop()));
    lifecycle.own("overlay updates", jobs.updates.run(stop()));
    lifecycle.own("overlay closings", jobs.closings.run(stop()));
    lifecycle.own("session clean-up", jobs.cleanup.run(stop()));
    lifecycle.own("settings reconciliation", jobs.reconciliation.run(stop()));
    lifecycle.own("login sweep", jobs.logins.run(stop()));
    lifecycle.own("grant checks", jobs.grants.run(stop()));
    lifecycle.own("withdrawn grants", jobs.withdrawals.run(stop()));
    lifecycle.own("moderator commands", jobs.mod_commands.run(stop()));
}

fn ports(stores: &Stores, twitch: &Twitch, clock: &Arc<dyn Clock>) -> Ports {
    Ports {
        clock: Arc::clone(clock),
        votes: Arc::clone(&stores.live.votes),
        sessions: Arc::clone(&stores.live.sessions),
        signals: Arc::clone(&stores.live.signals),
        streamers: Arc::clone(&stores.streamers),
        tokens: Arc::clone(&stores.tokens),
        settings: Arc::clone(&stores.settings),
        login_sessions: Arc::clone(&stores.login_sessions),
        login_claims: Arc::clone(&stores.login_claims),
        login: Arc::clone(&twitch.login),
        feed: Arc::new(twitch.feed.clone()),
        cipher: Arc::clone(&twitch.cipher) as _,
        leadership: Arc::clone(&stores.live.leadership),
    }
}

fn build_hub(settings: &Settings, stores: &Stores) -> (Hub, HubHandle) {
    Hub::new(HubConfig {
        votes: Arc::clone(&stores.live.votes),
        sessions: Arc::clone(&stores.live.sessions),
        signals: Arc::clone(&stores.live.signals),
        tick: settings.limits.tick,
        clients_per_session_max: settings.limits.clients_per_session_max,
    })
}

fn policy(settings: &Settings, instance: InstanceId) -> Policy {
    let limits = &settings.limits;
    Policy {
        instance,
        bot: settings.twitch.bot.clone(),
        access: settings.access.clone(),
        cleanup_interval: limits.cleanup_interval,
        orphan_max_age: limits.orphan_max_age,
        subscription_grace: limits.subscription_grace,
        reconcile_interval: limits.reconcile_interval,
        overlays_max: limits.overlays.connections_max,
    }
}

/// Returns `hostname-PID` with a suffix unique per start, so that a restarted process is not mistaken for the old one.
fn instance_id() -> anyhow::Result<InstanceId> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(char::is_ascii_graphic).take(64).collect();
    let unique = Uuid::new_v4().simple().to_string();
    Ok(InstanceId::new(&format!("{host}-{}-{}", std::process::id(), &unique[..8]))?)
}

/// The operator reads at the start what strangers can do.
fn say_who_may_log_in(access: &Access) {
    match access {
        Access::Everybody => info!("everybody with a Twitch account may log in"),
        Access::FirstStreamer => {
            info!("only the streamer who logs in first may log in; ALLOWED_STREAMERS admits others");
        }
        Access::Listed(entries) => info!(entries = entries.len(), "only the listed accounts may log in"),
    }
}

/// Logs out whoever may not log in any more, since `ALLOWED_STREAMERS` was changed.
async fn end_refused_logins(engine: &Engine) -> anyhow::Result<()> {
    let ended = engine.admission.apply().await;
    for streamer in ended.context("could not compare logins with ALLOWED_STREAMERS")? {
        info!(
            target: "audit",
            action = "end_login",
            result = "ok",
            reason = "not_admitted",
            twitch.user_id = streamer.twitch_id.as_str(),
            twitch.login = streamer.login,
            "audit: end_login ok: not_admitted"
        );
    }
    Ok(())
}

/// Logs a warning when stored tokens cannot be decrypted, or the session secret was lost. Only the affected users have
/// to log in again.
async fn warn_about_keys(engine: &Engine, origin: &KeyOrigin) {
    let (shut, all) = match engine.accounts.count_unopenable().await {
        Ok(counts) => counts,
        Err(error) => return warn!(%error, "failed to check stored tokens"),
    };
    let (from, advice) = (&origin.token_key, origin.advice());
    match &origin.missing_file {
        Some(file) if all > 0 => warn!(
            "{} is missing, although the database holds the tokens of {all} accounts: it was lost, or left out of a \
             backup. A new one was made: everybody logs in again. The tokens of {shut} of {all} accounts cannot be \
             opened{}",
            file.display(),
            if shut > 0 { format!("; {advice}") } else { String::new() }
        ),
        _ if shut > 0 => warn!(
            "the tokens of {shut} of {all} accounts cannot be opened with the key from {from}; {advice}"
        ),
        _ => {}
    }
}
