//! Deletes sessions that nobody holds, and later stops reading their chats. Only the leader does, and looks whether it
//! still is one before each piece.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::chat_feed::ChatFeed;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::session::Orphan;
use chatpulse_domain::time::Timestamp;
use tokio::time::Instant;
use tracing::warn;

use crate::{Policy, Ports};

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

pub(super) struct Cleanup {
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
    pub(super) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            store: Arc::clone(&ports.sessions),
            feed: Arc::clone(&ports.feed),
            signals: Arc::clone(&ports.signals),
            leadership: Arc::clone(&ports.leadership),
            clock: Arc::clone(&ports.clock),
            orphan_max_age: policy.orphan_max_age,
            subscription_grace: policy.subscription_grace,
            ended: HashMap::new(),
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
                warn!(%error, "an orphaned session could not be deleted; the next round tries again");
            }
        }
    }

    /// A session opened, or ended without having been an orphan: its address was replaced.
    pub(super) async fn note_change(&mut self, broadcaster: &TwitchUserId) {
        if !self.leads().await {
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
            if self.store.find(&broadcaster).await?.is_none() && self.leads().await {
                self.feed.unwant(&broadcaster);
            }
        }
        Ok(())
    }

    async fn leads(&self) -> bool {
        self.leadership.is_leader().await
    }
}
