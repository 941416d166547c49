//! The task that owns the map of sessions shown on this instance.
//!
//! Start with [`Hub::run`]: it waits for a command, a signal, the next tick, the next sweep, or an answer of the
//! store. It never blocks on the store: one read is in progress at a time, and sessions that become due meanwhile
//! share the next read, in one request. So a slower store means more sessions per request, and sockets are still
//! accepted.
//!
//! A change in a session that sent no frame within the last tick is sent immediately; otherwise it waits for the next
//! tick, so that a thousand votes per second become twenty frames. The hub also polls every session without signals:
//! signals only say when to read, the store is the source of truth.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::session::{Session, SessionSeed};
use metrics::{Counter, Gauge, Histogram};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::frame::Frames;
use crate::handle::{Clients, Command, HubHandle, WatchError};
use crate::shown::Shown;

/// Maximum number of overlays that wait for the hub: a tenth of the overlays when all of an instance reconnect; above
/// that the sockets wait.
const COMMANDS_MAX: usize = 1_024;

/// How often sessions with a vote in the last minute are read without a signal.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// All other sessions are read every this many sweeps.
const SWEEPS_OF_IDLE: u64 = 5;

/// How long a replaced overlay id is remembered, because a socket may still be connecting with it.
const ROTATED_FOR: Duration = Duration::from_mins(1);

/// The dependencies and the limits of the hub.
pub struct HubConfig {
    /// The source of values.
    pub votes: Arc<dyn VoteStore>,
    /// The source of changed settings.
    pub sessions: Arc<dyn SessionStore>,
    /// The source of change notifications.
    pub signals: Arc<dyn Signals>,
    /// Minimum time between two frames of one session.
    pub tick: Duration,
    /// Maximum number of sockets of one session on this instance.
    pub clients_per_session_max: usize,
}

/// Owns the map of sessions; see [`Hub::run`].
pub struct Hub {
    config: HubConfig,
    commands: mpsc::Receiver<Command>,
    shown: HashMap<OverlayId, Shown>,
    rotated: HashMap<OverlayId, Instant>,
    /// Sessions to read as soon as no read is in progress.
    due: HashSet<OverlayId>,
    /// Changed sessions that wait for their tick.
    changed: HashSet<OverlayId>,
    next_tick: Instant,
    sweeps: u64,
    polling: Option<Polling>,
    /// Sockets that wait for the first read of their session.
    waiting: Vec<Waiting>,
    /// Sessions whose stored settings are newer than the shown ones.
    outdated: HashSet<OverlayId>,
    fetching: Option<Fetching>,
    metrics: HubMetrics,
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Polling = Running<(Vec<OverlayId>, Instant, Result<Vec<Option<Reading>>, StoreError>)>;
type Fetching = Running<(OverlayId, Result<Option<Session>, StoreError>)>;

struct Waiting {
    overlay: OverlayId,
    frames: watch::Receiver<Frames>,
    reply: oneshot::Sender<Result<watch::Receiver<Frames>, WatchError>>,
}

struct HubMetrics {
    sessions: Gauge,
    tick_seconds: Histogram,
    slow_ticks: Counter,
    vote_to_broadcast_seconds: Histogram,
}

impl Hub {
    /// Creates the hub, which its owner runs, and a handle for everything else.
    pub fn new(config: HubConfig) -> (Self, HubHandle) {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let clients =
            Clients { count: AtomicUsize::new(0), gauge: metrics::gauge!("broadcaster_connected_clients") };
        let metrics = HubMetrics {
            sessions: metrics::gauge!("broadcaster_active_sessions"),
            tick_seconds: metrics::histogram!("broadcaster_tick_duration_seconds"),
            slow_ticks: metrics::counter!("broadcaster_slow_ticks_total"),
            vote_to_broadcast_seconds: metrics::histogram!("vote_to_broadcast_seconds"),
        };
        let hub = Self {
            config,
            commands: receiver,
            shown: HashMap::new(),
            rotated: HashMap::new(),
            due: HashSet::new(),
            changed: HashSet::new(),
            next_tick: Instant::now(),
            sweeps: 0,
            polling: None,
            waiting: Vec::new(),
            outdated: HashSet::new(),
            fetching: None,
            metrics,
        };
        (hub, HubHandle { commands, clients: Arc::new(clients) })
    }

    /// Runs until `stop`, until every handle is dropped, or until the signals close.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut signals = self.config.signals.subscribe();
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.poll_if_idle();
            self.fetch_if_idle();
            tokio::select! {
                () = stop.cancelled() => return,
                command = self.commands.recv() => match command {
                    Some(Command::Watch { seed, reply }) => self.watch(&seed, reply),
                    None => return,
                },
                heard = signals.next() => match heard {
                    Heard::Signal(signal) => self.hear(&signal),
                    Heard::Gap => self.due.extend(self.shown.keys()),
                    Heard::Closed => return,
                },
                (overlays, began, readings) = finished(&mut self.polling) => self.show(&overlays, began, readings),
                (overlay, session) = finished(&mut self.fetching) => self.configure(overlay, session),
                () = sleep_until(self.next_tick), if !self.changed.is_empty() => self.tick(),
                _ = sweep.tick() => self.sweep(),
            }
        }
    }

    fn watch(
        &mut self,
        seed: &SessionSeed,
        reply: oneshot::Sender<Result<watch::Receiver<Frames>, WatchError>>,
    ) {
        let (overlay, now) = (seed.overlay, Instant::now());
        if self.rotated.contains_key(&overlay) {
            let _ = reply.send(Err(WatchError::Rotated));
            return;
        }
        // Drop a session that had no sockets: its values may be stale, because it may have ended and begun again.
        if self.shown.get(&overlay).is_some_and(|shown| shown.frames.receiver_count() == 0) {
            self.shown.remove(&overlay);
        }
        let shown = self.shown.entry(overlay).or_insert_with(|| Shown::new(seed, now));
        if shown.frames.receiver_count() >= self.config.clients_per_session_max {
            let _ = reply.send(Err(WatchError::Full));
            return;
        }
        shown.configure(&seed.settings);
        let frames = shown.frames.subscribe();
        if shown.is_known() {
            shown.drift(now);
            let _ = reply.send(Ok(frames));
        } else {
            self.waiting.push(Waiting { overlay, frames, reply });
        }
        self.due.insert(overlay);
        self.metrics.sessions.set(as_gauge(self.shown.len()));
    }

    fn hear(&mut self, signal: &Signal) {
        match signal {
            Signal::SentimentChanged(overlay) => self.note_change(*overlay),
            Signal::SettingsChanged { overlay, .. } => {
                if self.shown.contains_key(overlay) {
                    self.outdated.insert(*overlay);
                    self.note_change(*overlay);
                }
            }
            Signal::OverlayRotated(overlay) => self.close(*overlay),
            Signal::SessionChanged(_) | Signal::PlatformNote(_) => {}
        }
    }

    /// Makes the session due now if its last frame is at least one tick old, otherwise at the next tick.
    fn note_change(&mut self, overlay: OverlayId) {
        let Some(shown) = self.shown.get(&overlay) else {
            return;
        };
        let at = shown.announced_at + self.config.tick;
        if at <= Instant::now() {
            self.due.insert(overlay);
            return;
        }
        self.next_tick = if self.changed.is_empty() { at } else { self.next_tick.min(at) };
        self.changed.insert(overlay);
    }

    /// Makes sessions due that waited for their tick; the others wait for the next tick.
    fn tick(&mut self) {
        for overlay in std::mem::take(&mut self.changed) {
            self.note_change(overlay);
        }
    }

    /// Makes sessions due that had no signal for a while, and removes sessions without sockets.
    fn sweep(&mut self) {
        let now = Instant::now();
        self.rotated.retain(|_, at| now.duration_since(*at) < ROTATED_FOR);
        self.shown.retain(|_, shown| shown.frames.receiver_count() > 0);
        self.metrics.sessions.set(as_gauge(self.shown.len()));
        self.sweeps += 1;
        let all = self.sweeps.is_multiple_of(SWEEPS_OF_IDLE);
        let due =
            self.shown.iter().filter(|(_, shown)| all || shown.is_lively()).map(|(overlay, _)| *overlay);
        self.due.extend(due);
    }

    /// Starts one read of all due sessions, unless a read is in progress.
    fn poll_if_idle(&mut self) {
        if self.polling.is_some() || self.due.is_empty() {
            return;
        }
        let (began, mut overlays) = (Instant::now(), Vec::with_capacity(self.due.len()));
        for overlay in std::mem::take(&mut self.due) {
            let Some(shown) = self.shown.get(&overlay) else { continue };
            if shown.is_known() && shown.announced_at + self.config.tick > began {
                // The previous read already sent a frame.
                self.note_change(overlay);
            } else {
                overlays.push(overlay);
            }
        }
        if overlays.is_empty() {
            return;
        }
        let votes = Arc::clone(&self.config.votes);
        self.polling = Some(Box::pin(async move {
            let readings = votes.read(&overlays).await;
            (overlays, began, readings)
        }));
    }

    /// Sends the values of the store to all sockets, or marks them as degraded if the read failed.
    fn show(
        &mut self,
        overlays: &[OverlayId],
        began: Instant,
        readings: Result<Vec<Option<Reading>>, StoreError>,
    ) {
        let now = Instant::now();
        match readings {
            Ok(readings) => {
                for (overlay, reading) in overlays.iter().zip(readings) {
                    self.show_one(*overlay, reading, now);
                }
            }
            Err(error) => {
                let mut news = false;
                for shown in self.shown.values_mut() {
                    news |= shown.degrade(now);
                }
                if news {
                    warn!(%error, "values could not be read; overlays show the last ones");
                }
            }
        }
        let shown = &self.shown;
        let is_ready = |waiting: &mut Waiting| shown.get(&waiting.overlay).is_some_and(Shown::is_known);
        for ready in self.waiting.extract_if(.., is_ready) {
            let _ = ready.reply.send(Ok(ready.frames));
        }
        let took = began.elapsed();
        self.metrics.tick_seconds.record(took);
        if took > self.config.tick {
            self.metrics.slow_ticks.increment(1);
        }
    }

    fn show_one(&mut self, overlay: OverlayId, reading: Option<Reading>, now: Instant) {
        let Some(shown) = self.shown.get_mut(&overlay) else {
            return;
        };
        if reading.is_some_and(|reading| shown.is_older_than(reading.version)) {
            self.outdated.insert(overlay);
        }
        let is_news = reading.is_some_and(|reading| shown.is_before(&reading, now));
        if shown.take(reading, now) && is_news {
            self.metrics.vote_to_broadcast_seconds.record(shown.age(now));
        }
    }

    fn fetch_if_idle(&mut self) {
        if self.fetching.is_some() {
            return;
        }
        let Some(overlay) = self.outdated.iter().next().copied() else {
            return;
        };
        self.outdated.remove(&overlay);
        let sessions = Arc::clone(&self.config.sessions);
        self.fetching = Some(Box::pin(async move { (overlay, sessions.find_by_overlay(overlay).await) }));
    }

    fn configure(&mut self, overlay: OverlayId, session: Result<Option<Session>, StoreError>) {
        match session {
            Ok(Some(session)) => {
                if let Some(shown) = self.shown.get_mut(&overlay) {
                    shown.configure(&session.settings);
                }
            }
            Ok(None) => {}
            // The next read finds the settings outdated again, which retries this.
            Err(error) => {
                warn!(%error, "changed settings could not be read; overlays keep the old labels for now");
            }
        }
    }

    fn close(&mut self, overlay: OverlayId) {
        self.rotated.insert(overlay, Instant::now());
        if let Some(shown) = self.shown.remove(&overlay) {
            shown.frames.send_modify(|frames| frames.rotated = true);
            self.metrics.sessions.set(as_gauge(self.shown.len()));
        }
        for waiting in self.waiting.extract_if(.., |waiting| waiting.overlay == overlay) {
            let _ = waiting.reply.send(Err(WatchError::Rotated));
        }
    }
}

/// Waits for the running future; waits forever if none is running.
async fn finished<T>(running: &mut Option<Running<T>>) -> T {
    let Some(future) = running else {
        return pending().await;
    };
    let done = future.await;
    *running = None;
    done
}

/// Counts of sessions stay far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn as_gauge(count: usize) -> f64 {
    count as f64
}
