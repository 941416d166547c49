//! Deletes sessions that nobody serves, and stops reading their chats when their grace is over.
//!
//! Only the leader deletes, and checks that it still leads before each deletion. It also has every chat read that any
//! instance serves, so that a streamer who comes back while a chat is being stopped is read again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::ChannelId;
use chatpulse_domain::ports::chat_feed::{ChatFeed, Served};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::session::Orphan;
use chatpulse_domain::time::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{RETRY_EVERY, after_every, every};
use crate::sessions::Sessions;
use crate::{Policy, Ports};

/// How often the leader has the chats of all sessions read: that one opened may not have been heard.
const READ_ALL_EVERY: Duration = Duration::from_mins(10);

/// How often a worker checks whether it leads: a new leader has every chat read at once.
const CHECK_LEADERSHIP_EVERY: Duration = Duration::from_secs(1);

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

/// Called after every round; `None` where another instance leads.
pub(super) type OnRound = dyn Fn(Option<&CleanupReport>) + Send + Sync;

/// Runs the rounds, and checks channels whose session changed.
pub struct CleanupWorker {
    pub(super) cleanup: Cleanup,
    pub(super) changed: mpsc::Receiver<ChannelId>,
    pub(super) missed: Arc<Notify>,
    pub(super) interval: Duration,
    pub(super) on_round: Box<OnRound>,
}

impl CleanupWorker {
    /// Calls `listener` after every round, also after one that was another instance's to do; for metrics.
    #[must_use]
    pub fn on_round(mut self, listener: impl Fn(Option<&CleanupReport>) + Send + Sync + 'static) -> Self {
        self.on_round = Box::new(listener);
        self
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { mut cleanup, mut changed, missed, interval, on_round } = self;
        let (mut checks, mut rounds) = (every(CHECK_LEADERSHIP_EVERY), after_every(interval));
        let work = async {
            loop {
                tokio::select! {
                    Some(broadcaster) = changed.recv() => cleanup.note_change(&broadcaster).await,
                    () = missed.notified() => cleanup.read_all_chats_soon(),
                    _ = checks.tick() => if let Err(error) = cleanup.read_all_chats().await {
                        warn!(%error, "failed to look up which chats are needed; trying again");
                        checks.reset_after(RETRY_EVERY);
                    },
                    _ = rounds.tick() => match cleanup.round().await {
                        Ok(report) => on_round(report.as_ref()),
                        Err(error) => warn!(%error, "skipped a round of clean-up"),
                    },
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }
}

pub(super) struct Cleanup {
    sessions: Arc<Sessions>,
    store: Arc<dyn SessionStore>,
    feed: Arc<dyn ChatFeed>,
    signals: Arc<dyn Signals>,
    leadership: Arc<dyn Leadership>,
    clock: Arc<dyn Clock>,
    orphan_max_age: Duration,
    subscription_grace: Duration,
    /// Channels whose session ended, and when its last overlay left. An entry goes when its grace is over.
    ended: HashMap<ChannelId, Timestamp>,
    /// When to have all chats read again; `None`: as soon as this instance leads.
    read_all_at: Option<Instant>,
}

impl Cleanup {
    pub(super) fn new(ports: &Ports, policy: &Policy, sessions: Arc<Sessions>) -> Self {
        Self {
            sessions,
            store: Arc::clone(&ports.sessions),
            feed: Arc::clone(&ports.feed),
            signals: Arc::clone(&ports.signals),
            leadership: Arc::clone(&ports.leadership),
            clock: Arc::clone(&ports.clock),
            orphan_max_age: policy.orphan_max_age,
            subscription_grace: policy.subscription_grace,
            ended: HashMap::new(),
            read_all_at: None,
        }
    }

    /// `None` where another instance leads.
    pub(super) async fn round(&mut self) -> Result<Option<CleanupReport>, StoreError> {
        if !self.leads().await {
            self.ended.clear();
            return Ok(None);
        }
        let started = Instant::now();
        let mut report = CleanupReport::default();
        // A store gives out so many at a time: until nothing can be deleted any more.
        loop {
            let deleted_before = report.deleted;
            for orphan in self.store.orphans(self.orphan_max_age).await? {
                if !self.leads().await {
                    return Ok(None);
                }
                self.delete(orphan, &mut report).await;
            }
            if report.deleted == deleted_before {
                break;
            }
        }
        self.stop_reading().await?;
        report.took = started.elapsed();
        Ok(Some(report))
    }

    async fn delete(&mut self, orphan: Orphan, report: &mut CleanupReport) {
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
                warn!(%error, "failed to delete an orphaned session; the next round tries again");
            }
        }
    }

    /// A session opened or ended, perhaps without having been an orphan, or its chat is read no longer.
    pub(super) async fn note_change(&mut self, broadcaster: &ChannelId) {
        let found = self.store.find(broadcaster).await;
        match (found, self.leads().await) {
            (Ok(Some(_)), true) => {
                self.ended.remove(broadcaster);
                self.sessions.read_chat(broadcaster.clone(), Served::Somewhere);
            }
            // Checked once more when the grace is over.
            (Ok(None) | Err(_), true) => self.note_end(broadcaster),
            // The grace is the leader's business.
            (Ok(None), false) => self.feed.stop_reading(broadcaster),
            (Ok(Some(_)) | Err(_), false) => {}
        }
    }

    fn note_end(&mut self, broadcaster: &ChannelId) {
        let now = self.clock.now();
        self.ended.entry(broadcaster.clone()).or_insert(now);
    }

    /// At the leader, every chat of a session is read.
    pub(super) async fn read_all_chats(&mut self) -> Result<(), StoreError> {
        if !self.leads().await {
            self.read_all_at = None;
        } else if self.read_all_at.is_none_or(|at| at <= Instant::now()) {
            self.sessions.read_all_chats().await?;
            self.read_all_at = Some(Instant::now() + READ_ALL_EVERY);
        }
        Ok(())
    }

    /// Signals were missed.
    pub(super) fn read_all_chats_soon(&mut self) {
        self.read_all_at = None;
    }

    /// Stops the chats whose grace is over, unless the streamer is back.
    async fn stop_reading(&mut self) -> Result<(), StoreError> {
        let (now, grace) = (self.clock.now(), self.subscription_grace);
        let is_due = |(_, ended_at): &(&ChannelId, &Timestamp)| now.since(**ended_at) >= grace;
        let due: Vec<ChannelId> = self.ended.iter().filter(is_due).map(|(id, _)| id.clone()).collect();
        for broadcaster in due {
            if self.store.find(&broadcaster).await?.is_none() && self.leads().await {
                self.feed.stop_reading(&broadcaster);
            }
            self.ended.remove(&broadcaster);
        }
        Ok(())
    }

    async fn leads(&self) -> bool {
        self.leadership.is_leader().await
    }
}
