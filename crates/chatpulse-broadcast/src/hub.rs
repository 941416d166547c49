//! The task that owns the map of shown sessions.
//!
//! Read [`Hub::run`]: it waits for a command, a signal, the next tick, the next sweep, or an answer of the store. It
//! never waits for the store alone: one look is under way at a time, and whatever becomes due meanwhile goes along
//! with the next one, in one request. So the slower the store, the more sessions share a request, and sockets are let
//! in all the same.
//!
//! A session that was quiet is announced at once; one that was announced less than a tick ago waits for its tick, so
//! that a thousand votes a second become twenty frames. Without signals every session is still looked at now and
//! then: signals only say when, the store is the truth.

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

/// Overlays that may be waiting to be let in: of a whole instance's reconnect a tenth, then the sockets wait.
const COMMANDS_MAX: usize = 1_024;

/// How often sessions that had a vote in the last minute are looked at without a signal.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Every so many sweeps the others are looked at too.
const SWEEPS_OF_IDLE: u64 = 5;

/// How long a replaced address is remembered: a socket may just be on its way in.
const ROTATED_FOR: Duration = Duration::from_mins(1);

/// What the hub stands on, and how it fans out.
pub struct HubConfig {
    /// Where values come from.
    pub votes: Arc<dyn VoteStore>,
    /// Where changed settings come from.
    pub sessions: Arc<dyn SessionStore>,
    /// What says that something changed.
    pub signals: Arc<dyn Signals>,
    /// Frames of one session are at least this far apart.
    pub tick: Duration,
    /// Most sockets of one session on this instance.
    pub clients_per_session_max: usize,
}

/// Owns the map; see [`Hub::run`].
pub struct Hub {
    config: HubConfig,
    commands: mpsc::Receiver<Command>,
    shown: HashMap<OverlayId, Shown>,
    rotated: HashMap<OverlayId, Instant>,
    /// To be looked at as soon as the store is free.
    due: HashSet<OverlayId>,
    /// Changed, and waiting for their tick.
    changed: HashSet<OverlayId>,
    next_tick: Instant,
    sweeps: u64,
    looking: Option<Looking>,
    /// Sockets that wait for the first look at their session.
    waiting: Vec<Waiting>,
    /// Sessions that hold newer settings than they show.
    outdated: HashSet<OverlayId>,
    fetching: Option<Fetching>,
    metrics: HubMetrics,
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Looking = Running<(Vec<OverlayId>, Instant, Result<Vec<Option<Reading>>, StoreError>)>;
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
    /// The hub, to be run by its owner, and the handle for everybody else.
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
            looking: None,
            waiting: Vec::new(),
            outdated: HashSet::new(),
            fetching: None,
            metrics,
        };
        (hub, HubHandle { commands, clients: Arc::new(clients) })
    }

    /// Works until `stop`, or until every handle is gone.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut signals = self.config.signals.subscribe();
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.look_if_free();
            self.fetch_if_free();
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
                (overlays, began, readings) = finished(&mut self.looking) => self.show(&overlays, began, readings),
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
        // What nobody watched meanwhile is not news any more: the session may have ended and begun anew.
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

    /// Quiet for a tick: now. Otherwise with the next tick.
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

    /// What waited long enough is due; the rest waits for the next tick.
    fn tick(&mut self) {
        for overlay in std::mem::take(&mut self.changed) {
            self.note_change(overlay);
        }
    }

    /// Whatever nobody told us about for a while; and sessions without sockets are forgotten.
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

    /// One look for all that is due, unless one is under way.
    fn look_if_free(&mut self) {
        if self.looking.is_some() || self.due.is_empty() {
            return;
        }
        let (began, mut overlays) = (Instant::now(), Vec::with_capacity(self.due.len()));
        for overlay in std::mem::take(&mut self.due) {
            let Some(shown) = self.shown.get(&overlay) else { continue };
            if shown.is_known() && shown.announced_at + self.config.tick > began {
                // Announced by the look that has just ended.
                self.note_change(overlay);
            } else {
                overlays.push(overlay);
            }
        }
        if overlays.is_empty() {
            return;
        }
        let votes = Arc::clone(&self.config.votes);
        self.looking = Some(Box::pin(async move {
            let readings = votes.read(&overlays).await;
            (overlays, began, readings)
        }));
    }

    /// What the store says, to every socket; or that it says nothing.
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

    fn fetch_if_free(&mut self) {
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
            // The next look finds them outdated again.
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

/// What is under way, once it is done; for ever if nothing is.
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
