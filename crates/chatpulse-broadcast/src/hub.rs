//! The task that owns the map of shown sessions.
//!
//! Read [`Hub::run`]: it waits for a command, a signal, the next tick or the next look. A session that was
//! quiet is announced at once; one that was announced less than a tick ago waits for the tick, so that a
//! thousand votes a second become twenty frames. Without signals every session is still looked at now and
//! then: signals only say when, the store is the truth.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use chatpulse_domain::ids::{OverlayId, TwitchUserId};
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use metrics::{Counter, Gauge, Histogram};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::frame::Frames;
use crate::handle::{Clients, Command, HubHandle, WatchError};
use crate::shown::{LOOK_WHEN_IDLE, Shown};

/// Overlays that may be waiting to be let in: a whole instance's reconnect at 10,000 a second is 100 ms of
/// backlog, then the sockets wait.
const COMMANDS_MAX: usize = 1_024;

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
    /// Changed, and waiting for their tick.
    changed: HashSet<OverlayId>,
    next_tick: Instant,
    next_sweep: Instant,
    metrics: HubMetrics,
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
        let now = Instant::now();
        let hub = Self {
            config,
            commands: receiver,
            shown: HashMap::new(),
            changed: HashSet::new(),
            next_tick: now,
            next_sweep: now,
            metrics,
        };
        (hub, HubHandle { commands, clients: Arc::new(clients) })
    }

    /// Works until `stop`, or until every handle is gone.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut signals = self.config.signals.subscribe();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                command = self.commands.recv() => match command {
                    Some(Command::Watch { seed, reply }) => {
                        let _ = reply.send(self.watch(&seed).await);
                    }
                    None => return,
                },
                heard = signals.next() => match heard {
                    Heard::Signal(signal) => self.hear(signal).await,
                    Heard::Gap => self.look_at_everything().await,
                    Heard::Closed => return,
                },
                () = sleep_until(self.next_tick), if !self.changed.is_empty() => self.tick().await,
                () = sleep_until(self.next_sweep), if !self.shown.is_empty() => self.sweep().await,
            }
        }
    }

    async fn watch(&mut self, seed: &SessionSeed) -> Result<watch::Receiver<Frames>, WatchError> {
        if let Some(shown) = self.shown.get(&seed.overlay) {
            if shown.frames.receiver_count() >= self.config.clients_per_session_max {
                return Err(WatchError::Full);
            }
        } else {
            let now = Instant::now();
            self.next_sweep = if self.shown.is_empty() { now } else { self.next_sweep };
            self.shown.insert(seed.overlay, Shown::new(seed, now));
            self.metrics.sessions.set(as_gauge(self.shown.len()));
        }
        let shown = self.shown.get_mut(&seed.overlay).ok_or(WatchError::Stopped)?;
        shown.configure(&seed.settings);
        let frames = shown.frames.subscribe();
        self.look(vec![seed.overlay]).await;
        Ok(frames)
    }

    async fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::SentimentChanged(overlay) => self.note_change(overlay).await,
            Signal::SettingsChanged { overlay, broadcaster } => {
                if self.shown.contains_key(&overlay) {
                    self.reconfigure(overlay, &broadcaster).await;
                    self.note_change(overlay).await;
                }
            }
            Signal::OverlayRotated(overlay) => self.close(overlay),
            Signal::SessionChanged(_) => {}
        }
    }

    /// Quiet for a tick: now. Otherwise with the next tick.
    async fn note_change(&mut self, overlay: OverlayId) {
        let Some(shown) = self.shown.get(&overlay) else {
            return;
        };
        let due = shown.announced_at + self.config.tick;
        if due <= Instant::now() {
            self.announce(vec![overlay]).await;
            return;
        }
        self.next_tick = if self.changed.is_empty() { due } else { self.next_tick.min(due) };
        self.changed.insert(overlay);
    }

    /// Announces what waited long enough; the rest waits for the next tick.
    async fn tick(&mut self) {
        let now = Instant::now();
        let tick = self.config.tick;
        let mut due = Vec::new();
        let mut next: Option<Instant> = None;
        for overlay in &self.changed {
            let Some(at) = self.shown.get(overlay).map(|shown| shown.announced_at + tick) else {
                due.push(*overlay);
                continue;
            };
            if at <= now {
                due.push(*overlay);
            } else {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        for overlay in &due {
            self.changed.remove(overlay);
        }
        self.next_tick = next.unwrap_or(now + tick);
        self.announce(due).await;
        let took = now.elapsed();
        self.metrics.tick_seconds.record(took);
        if took > tick {
            self.metrics.slow_ticks.increment(1);
        }
    }

    /// Looks at sessions that changed a moment ago, and notes how long the news took.
    async fn announce(&mut self, overlays: Vec<OverlayId>) {
        for overlay in self.look(overlays).await {
            if let Some(shown) = self.shown.get(&overlay) {
                self.metrics.vote_to_broadcast_seconds.record(shown.age(Instant::now()));
            }
        }
    }

    /// Looks at whatever nobody told us about for a while, and forgets sessions without sockets.
    async fn sweep(&mut self) {
        self.shown.retain(|_, shown| shown.frames.receiver_count() > 0);
        self.metrics.sessions.set(as_gauge(self.shown.len()));
        let now = Instant::now();
        // What is due within the next moments goes along: one look for all instead of one each.
        let soon = now + self.config.tick;
        let due =
            self.shown.iter().filter(|(_, shown)| shown.next_look() <= soon).map(|(id, _)| *id).collect();
        self.look(due).await;
        let next = self.shown.values().map(Shown::next_look).min();
        self.next_sweep = next.unwrap_or(now + LOOK_WHEN_IDLE).max(now + self.config.tick);
    }

    async fn look_at_everything(&mut self) {
        let all = self.shown.keys().copied().collect();
        self.look(all).await;
    }

    /// Reads many sessions at once and shows what is new. Returns those whose sockets were told something.
    async fn look(&mut self, overlays: Vec<OverlayId>) -> Vec<OverlayId> {
        if overlays.is_empty() {
            return overlays;
        }
        let readings = self.config.votes.read(&overlays).await;
        let now = Instant::now();
        match readings {
            Ok(readings) => {
                let mut told = Vec::new();
                for (overlay, reading) in overlays.into_iter().zip(readings) {
                    let Some(shown) = self.shown.get_mut(&overlay) else {
                        continue;
                    };
                    if shown.take(reading, now) {
                        told.push(overlay);
                    }
                    self.next_sweep = self.next_sweep.min(shown.next_look());
                }
                told
            }
            Err(error) => {
                let mut news = false;
                for shown in self.shown.values_mut() {
                    news |= shown.degrade(now);
                }
                if news {
                    warn!(%error, "values could not be read; overlays show the last ones");
                }
                Vec::new()
            }
        }
    }

    async fn reconfigure(&mut self, overlay: OverlayId, broadcaster: &TwitchUserId) {
        match self.config.sessions.find(broadcaster).await {
            Ok(Some(session)) if session.overlay == overlay => {
                if let Some(shown) = self.shown.get_mut(&overlay) {
                    shown.configure(&session.settings);
                }
            }
            Ok(_) => {}
            Err(error) => {
                warn!(%error, "changed settings could not be read; overlays keep the old labels for now");
            }
        }
    }

    fn close(&mut self, overlay: OverlayId) {
        if let Some(shown) = self.shown.remove(&overlay) {
            shown.frames.send_modify(|frames| frames.rotated = true);
            self.metrics.sessions.set(as_gauge(self.shown.len()));
        }
    }
}

/// Counts of sessions stay far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn as_gauge(count: usize) -> f64 {
    count as f64
}
