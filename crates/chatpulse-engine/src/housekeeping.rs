//! What runs beside the requests: overlays that closed, orphans, chats that nobody needs any more, logins
//! that expired.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::chat_feed::ChatFeed;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals};
use chatpulse_domain::time::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::cache::SessionCache;
use crate::sessions::{Closing, DriftReport, Sessions};
use crate::{Engine, Policy, Ports};

/// How often a session store that was away is told what it missed.
const RETRY_EVERY: Duration = Duration::from_secs(2);

/// How often expired logins are removed.
const SWEEP_LOGINS_EVERY: Duration = Duration::from_hours(1);

/// Runs until stopped; see [`Housekeeping::run`].
pub struct Housekeeping {
    sessions: Arc<Sessions>,
    cache: Arc<SessionCache>,
    signals: Arc<dyn Signals>,
    closings: mpsc::Receiver<Closing>,
    logins: Arc<dyn LoginSessions>,
    clock: Arc<dyn Clock>,
    cleanup_interval: Duration,
    /// One round of clean-up; public for tests and metrics.
    cleanup: Cleanup,
    reconcile_interval: Duration,
    on_cleanup: Box<dyn Fn(&CleanupReport) + Send + Sync>,
    on_drift: Box<dyn Fn(&DriftReport) + Send + Sync>,
}

/// What one round of clean-up did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CleanupReport {
    /// Orphans that were looked at.
    pub found: usize,
    /// Of those, deleted.
    pub deleted: usize,
    /// Of those, left alone because somebody came back.
    pub rejoined: usize,
    /// Of those, left alone because the store failed.
    pub failed: usize,
    /// How long the round took.
    pub took: Duration,
}

impl Housekeeping {
    pub(crate) fn new(
        ports: &Ports,
        policy: &Policy,
        engine: &Engine,
        closings: mpsc::Receiver<Closing>,
    ) -> Self {
        Self {
            sessions: Arc::clone(&engine.sessions),
            cache: Arc::clone(&engine.cache),
            signals: Arc::clone(&ports.signals),
            closings,
            logins: Arc::clone(&ports.login_sessions),
            clock: Arc::clone(&ports.clock),
            cleanup_interval: policy.cleanup_interval,
            cleanup: Cleanup {
                store: Arc::clone(&ports.sessions),
                feed: Arc::clone(&ports.feed),
                signals: Arc::clone(&ports.signals),
                leadership: Arc::clone(&ports.leadership),
                clock: Arc::clone(&ports.clock),
                orphan_max_age: policy.orphan_max_age,
                subscription_grace: policy.subscription_grace,
                ended: HashMap::new(),
            },
            reconcile_interval: policy.reconcile_interval,
            on_cleanup: Box::new(|_| {}),
            on_drift: Box::new(|_| {}),
        }
    }

    /// Hears of every look for drifted settings; for metrics.
    #[must_use]
    pub fn on_drift(mut self, listener: impl Fn(&DriftReport) + Send + Sync + 'static) -> Self {
        self.on_drift = Box::new(listener);
        self
    }

    /// Hears of every round of clean-up; for metrics.
    #[must_use]
    pub fn on_cleanup(mut self, listener: impl Fn(&CleanupReport) + Send + Sync + 'static) -> Self {
        self.on_cleanup = Box::new(listener);
        self
    }

    /// Works until `stop`; then finishes what has already closed.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut signals = self.signals.subscribe();
        let mut cleanup = interval_at(Instant::now() + self.cleanup_interval, self.cleanup_interval);
        let mut retry = interval(RETRY_EVERY);
        let mut sweep = interval(SWEEP_LOGINS_EVERY);
        let mut reconcile = interval_at(Instant::now() + self.reconcile_interval, self.reconcile_interval);
        for timer in [&mut cleanup, &mut retry, &mut sweep, &mut reconcile] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                heard = signals.next() => match heard {
                    Heard::Closed => break,
                    heard => self.hear(&heard).await,
                },
                Some(closing) = self.closings.recv() => self.sessions.close(closing).await,
                _ = retry.tick() => self.sessions.retry_unheard().await,
                _ = sweep.tick() => self.sweep_logins().await,
                _ = reconcile.tick() => (self.on_drift)(&self.sessions.reconcile_settings().await),
                _ = cleanup.tick() => match self.cleanup.round().await {
                    Ok(Some(report)) => (self.on_cleanup)(&report),
                    Ok(None) => {}
                    Err(error) => warn!(%error, "this round of clean-up was skipped"),
                },
            }
        }
        while let Ok(closing) = self.closings.try_recv() {
            self.sessions.close(closing).await;
        }
    }

    async fn hear(&mut self, heard: &Heard) {
        self.cache.hear(heard);
        match heard {
            Heard::Signal(Signal::OverlayRotated(overlay)) => self.sessions.retire(*overlay).await,
            Heard::Signal(Signal::SessionChanged(broadcaster)) => {
                self.cleanup.note_change(broadcaster).await;
            }
            _ => {}
        }
    }

    async fn sweep_logins(&self) {
        if let Err(error) = self.logins.sweep(self.clock.now()).await {
            warn!(%error, "expired logins were not removed this time");
        }
    }
}

/// Deletes sessions that nobody holds, and later stops reading their chats.
struct Cleanup {
    store: Arc<dyn SessionStore>,
    feed: Arc<dyn ChatFeed>,
    signals: Arc<dyn Signals>,
    leadership: Arc<dyn Leadership>,
    clock: Arc<dyn Clock>,
    orphan_max_age: Duration,
    subscription_grace: Duration,
    /// Channels whose session ended, and when its last overlay left. An entry goes when its grace is over.
    ended: HashMap<TwitchUserId, Timestamp>,
}

impl Cleanup {
    /// `None` where another instance leads.
    async fn round(&mut self) -> Result<Option<CleanupReport>, StoreError> {
        if !self.leadership.is_leader().await {
            self.ended.clear();
            return Ok(None);
        }
        let started = Instant::now();
        let mut report = CleanupReport::default();
        for orphan in self.store.orphans(self.orphan_max_age).await? {
            report.found += 1;
            match self.store.delete_orphan(orphan.overlay, self.orphan_max_age).await {
                Ok(true) => {
                    report.deleted += 1;
                    self.signals.publish(Signal::SessionChanged(orphan.broadcaster.clone()));
                    self.ended.insert(orphan.broadcaster, orphan.disconnected_at);
                }
                Ok(false) => report.rejoined += 1,
                Err(error) => {
                    report.failed += 1;
                    warn!(%error, "an orphaned session could not be deleted; the next round tries again");
                }
            }
        }
        self.stop_reading().await?;
        report.took = started.elapsed();
        Ok(Some(report))
    }

    /// A session opened, or ended without having been an orphan: its address was replaced.
    async fn note_change(&mut self, broadcaster: &TwitchUserId) {
        if !self.leadership.is_leader().await {
            return;
        }
        if let Ok(Some(_)) = self.store.find(broadcaster).await {
            self.ended.remove(broadcaster);
        } else {
            // Looked at once more when its grace is over.
            let now = self.clock.now();
            self.ended.entry(broadcaster.clone()).or_insert(now);
        }
    }

    /// Channels past their grace, looked at once more: the streamer may be back.
    async fn stop_reading(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let grace = self.subscription_grace;
        let due: Vec<_> =
            self.ended.extract_if(|_, ended_at| now.since(*ended_at) >= grace).map(|(id, _)| id).collect();
        for broadcaster in due {
            if self.store.find(&broadcaster).await?.is_none() {
                self.feed.unwant(&broadcaster);
            }
        }
        Ok(())
    }
}
