//! Live state in process memory: a lock and a map around [`LiveOverlay`], which has the rules.
//!
//! Every call takes the lock, reads the clock once and never waits, so it is one atomic step.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, InstanceId, MessageId, OverlayId};
use chatpulse_domain::live::LiveOverlay;
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{Vote, VoteOutcome};

/// Votes and sessions of one process.
pub struct MemoryLive {
    clock: Arc<dyn Clock>,
    /// Each session's token bucket; `None` turns the limit off.
    limit: Option<BucketLimit>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    overlays: HashMap<OverlayId, LiveOverlay>,
    /// The session that each chat votes in: the one attached last.
    by_broadcaster: HashMap<ChannelId, OverlayId>,
}

impl MemoryLive {
    /// An empty store. The clock should not step back: until it has caught up, no time passes here.
    pub fn new(clock: Arc<dyn Clock>, limit: Option<BucketLimit>) -> Self {
        Self { clock, limit, state: Mutex::default() }
    }

    /// The state, and the time of this call. Nothing panics while it holds the lock; if something did, at most one overlay
    /// would be wrong, and the others must go on.
    fn enter(&self) -> (MutexGuard<'_, State>, Timestamp) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state, self.clock.now())
    }
}

#[async_trait]
impl VoteStore for MemoryLive {
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError> {
        let (mut state, now) = self.enter();
        let overlay = state.overlays.get_mut(&vote.overlay);
        Ok(overlay.map_or(VoteOutcome::NoSession, |overlay| overlay.cast(vote, self.limit, now)))
    }

    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        Ok(state.overlays.entry(overlay).or_default().note_seen(message, now))
    }

    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError> {
        let (mut state, now) = self.enter();
        Ok(state.overlays.get_mut(&overlay).and_then(|overlay| overlay.push(side, now)))
    }

    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError> {
        let (state, now) = self.enter();
        let readings = overlays.iter().map(|overlay| state.overlays.get(overlay)?.read(now));
        Ok(readings.collect())
    }

    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        Ok(state.overlays.get_mut(&overlay).is_some_and(|overlay| overlay.reset(now)))
    }
}

#[async_trait]
impl SessionStore for MemoryLive {
    async fn attach(
        &self,
        seed: &SessionSeed,
        instance: &InstanceId,
        viewers: u32,
    ) -> Result<(), StoreError> {
        let (mut state, now) = self.enter();
        state.overlays.entry(seed.overlay).or_default().attach(seed, instance, viewers, now);
        state.by_broadcaster.insert(seed.broadcaster.clone(), seed.overlay);
        Ok(())
    }

    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError> {
        let (mut state, now) = self.enter();
        if let Some(overlay) = state.overlays.get_mut(&overlay) {
            overlay.release(instance, now);
        }
        Ok(())
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Session>, StoreError> {
        let (state, _) = self.enter();
        let overlay = state.by_broadcaster.get(broadcaster);
        Ok(overlay.and_then(|overlay| state.overlays.get(overlay)?.session().cloned()))
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError> {
        let (state, _) = self.enter();
        Ok(state.overlays.get(&overlay).and_then(|overlay| overlay.session().cloned()))
    }

    async fn attached(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError> {
        let (state, _) = self.enter();
        let sessions = state.overlays.values().filter_map(LiveOverlay::attached_session);
        Ok(sessions.map(|session| (session.overlay, session.settings.version)).collect())
    }

    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        let overlay = state.overlays.get_mut(&overlay);
        Ok(overlay.is_some_and(|overlay| overlay.put_settings(settings, now)))
    }

    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError> {
        let (state, now) = self.enter();
        Ok(state.overlays.get(&overlay).and_then(|overlay| overlay.activity(now)))
    }

    /// Asked regularly, so this is also when overlays are dropped that nothing is remembered of.
    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError> {
        let (mut state, now) = self.enter();
        state.overlays.retain(|_, overlay| !overlay.has_ended(now));
        Ok(state.overlays.values().filter_map(|overlay| overlay.orphan(age, now)).collect())
    }

    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        let orphan = state.overlays.get_mut(&overlay).and_then(|overlay| overlay.delete_orphan(age, now));
        if let Some(orphan) = &orphan {
            state.remove_index_entry(&orphan.broadcaster, overlay);
        }
        Ok(orphan.is_some())
    }

    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError> {
        let (mut state, _) = self.enter();
        if let Some(session) = state.overlays.get_mut(&overlay).and_then(LiveOverlay::delete) {
            state.remove_index_entry(&session.broadcaster, overlay);
        }
        Ok(())
    }
}

impl State {
    /// Leaves an entry alone that already points to the broadcaster's newer overlay.
    fn remove_index_entry(&mut self, broadcaster: &ChannelId, overlay: OverlayId) {
        if self.by_broadcaster.get(broadcaster) == Some(&overlay) {
            self.by_broadcaster.remove(broadcaster);
        }
    }
}
