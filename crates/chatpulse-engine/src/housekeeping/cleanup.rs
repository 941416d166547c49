//! Deletes sessions that nobody holds, and later stops reading their chats. Only the leader does, and looks whether it
//! still is one before each piece. It also wants every chat that is served anywhere: so whoever comes back while Twitch
//! is asked to stop is read again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::ChannelId;
use chatpulse_domain::ports::chat_feed::ChatFeed;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::session::Orphan;
use chatpulse_domain::time::Timestamp;
use tokio::time::Instant;
use tracing::warn;

use crate::sessions::Sessions;
use crate::{Policy, Ports};

/// How often all chats are looked at: what began or ended may not have been heard of.
const LOOK_AT_ALL_EVERY: Duration = Duration::from_mins(10);

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
    sessions: Arc<Sessions>,
    store: Arc<dyn SessionStore>,
    records: Arc<dyn SubscriptionRepository>,
    feed: Arc<dyn ChatFeed>,
    signals: Arc<dyn Signals>,
    leadership: Arc<dyn Leadership>,
    clock: Arc<dyn Clock>,
    orphan_max_age: Duration,
    subscription_grace: Duration,
    /// Channels whose session ended, and when its last overlay left. An entry goes when its grace is over.
    ended: HashMap<ChannelId, Timestamp>,
    /// `None`: at once, and while another leads.
    look_at_all_at: Option<Instant>,
}

impl Cleanup {
    pub(super) fn new(ports: &Ports, policy: &Policy, sessions: Arc<Sessions>) -> Self {
        Self {
            sessions,
            records: Arc::clone(&ports.subscriptions),
            store: Arc::clone(&ports.sessions),
            feed: Arc::clone(&ports.feed),
            signals: Arc::clone(&ports.signals),
            leadership: Arc::clone(&ports.leadership),
            clock: Arc::clone(&ports.clock),
            orphan_max_age: policy.orphan_max_age,
            subscription_grace: policy.subscription_grace,
            ended: HashMap::new(),
            look_at_all_at: None,
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

    /// A session opened, or ended, perhaps without having been an orphan; or Twitch ended its subscription.
    pub(super) async fn note_change(&mut self, broadcaster: &ChannelId) {
        let leads = self.leads().await;
        match self.store.find(broadcaster).await {
            Ok(Some(_)) => {
                self.ended.remove(broadcaster);
                if leads {
                    self.sessions.follow_chat(broadcaster.clone());
                } else {
                    self.feed.doubt(broadcaster);
                }
            }
            // Looked at once more when its grace is over.
            Ok(None) | Err(_) if leads => self.note_end(broadcaster),
            Ok(None) => self.feed.release(broadcaster),
            Err(_) => {}
        }
    }

    fn note_end(&mut self, broadcaster: &ChannelId) {
        let now = self.clock.now();
        self.ended.entry(broadcaster.clone()).or_insert(now);
    }

    /// Whatever is served is wanted; what is recorded and has no session is left over, from before a restart or from
    /// another leader.
    pub(super) async fn look_at_all(&mut self) -> Result<(), StoreError> {
        if !self.leads().await {
            self.look_at_all_at = None;
            return Ok(());
        }
        if self.look_at_all_at.is_some_and(|at| at > Instant::now()) {
            return Ok(());
        }
        let served = self.sessions.follow_all_chats().await?;
        for record in self.records.all().await? {
            if !served.contains(&record.broadcaster) && self.store.find(&record.broadcaster).await?.is_none()
            {
                self.note_end(&record.broadcaster);
            }
        }
        self.look_at_all_at = Some(Instant::now() + LOOK_AT_ALL_EVERY);
        Ok(())
    }

    /// Something was missed: the next look comes soon.
    pub(super) fn look_at_all_again(&mut self) {
        self.look_at_all_at = None;
    }

    /// Channels past their grace, looked at once more: the streamer may be back.
    async fn stop_reading(&mut self) -> Result<(), StoreError> {
        let (now, grace) = (self.clock.now(), self.subscription_grace);
        let is_due = |(_, ended_at): &(&ChannelId, &Timestamp)| now.since(**ended_at) >= grace;
        let due: Vec<ChannelId> = self.ended.iter().filter(is_due).map(|(id, _)| id.clone()).collect();
        for broadcaster in due {
            if self.store.find(&broadcaster).await?.is_none() && self.leads().await {
                self.feed.unwant(&broadcaster);
            }
            self.ended.remove(&broadcaster);
        }
        Ok(())
    }

    async fn leads(&self) -> bool {
        self.leadership.is_leader().await
    }
}
