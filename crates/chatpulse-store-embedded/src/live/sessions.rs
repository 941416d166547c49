//! Which instances serve which session, on the same state as the votes.

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, InstanceId, OverlayId};
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};

use super::session::LiveSession;
use super::{MemoryLive, State};

#[async_trait]
impl SessionStore for MemoryLive {
    async fn attach(
        &self,
        seed: &SessionSeed,
        instance: &InstanceId,
        viewers: u32,
    ) -> Result<(), StoreError> {
        let (mut state, now) = self.enter();
        let State { sessions, tallies, .. } = &mut *state;
        let begin = || LiveSession::new(seed, tallies.remove(&seed.overlay), now);
        let session = sessions.entry(seed.overlay).or_insert_with(begin);
        session.put_settings(&seed.settings, now);
        session.attach(instance, viewers);
        state.by_broadcaster.insert(seed.broadcaster.clone(), seed.overlay);
        Ok(())
    }

    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError> {
        let (mut state, now) = self.enter();
        if let Some(session) = state.sessions.get_mut(&overlay) {
            session.release(instance, now);
        }
        Ok(())
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Session>, StoreError> {
        let (state, _) = self.enter();
        let overlay = state.by_broadcaster.get(broadcaster);
        let session = overlay.and_then(|overlay| state.sessions.get(overlay));
        Ok(session.map(|session| session.session().clone()))
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError> {
        let (state, _) = self.enter();
        Ok(state.sessions.get(&overlay).map(|session| session.session().clone()))
    }

    async fn attached(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError> {
        let (state, _) = self.enter();
        let attached =
            state.sessions.values().filter(|session| session.is_attached()).map(LiveSession::session);
        Ok(attached.map(|session| (session.overlay, session.settings.version)).collect())
    }

    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        let session = state.sessions.get_mut(&overlay);
        Ok(session.is_some_and(|session| session.put_settings(settings, now)))
    }

    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError> {
        let (state, now) = self.enter();
        let session = state.sessions.get(&overlay);
        Ok(session.map(|session| session.activity(now)))
    }

    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError> {
        let (state, now) = self.enter();
        let sessions = state.sessions.values();
        Ok(sessions.filter_map(|session| session.orphan(age, now)).collect())
    }

    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        let session = state.sessions.get(&overlay);
        let is_orphan = session.is_some_and(|session| session.orphan(age, now).is_some());
        if is_orphan {
            state.put_by(overlay, now);
        }
        Ok(is_orphan)
    }

    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError> {
        let (mut state, _) = self.enter();
        state.remove(overlay);
        state.tallies.remove(&overlay);
        Ok(())
    }
}
