use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, InstanceId, OverlayId};
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::time::Timestamp;

use super::{FakeLive, FakeSession, within_the_last_minute};

#[async_trait]
impl SessionStore for FakeLive {
    async fn attach(
        &self,
        seed: &SessionSeed,
        instance: &InstanceId,
        viewers: u32,
    ) -> Result<(), StoreError> {
        let (mut state, now) = self.enter("attach to a session")?;
        if state.session(seed.overlay).is_none() {
            let kept = state.tallies.iter().position(|(overlay, _)| *overlay == seed.overlay);
            let tally = kept.map(|kept| state.tallies.remove(kept).1).filter(|tally| !tally.has_ended(now));
            state.sessions.push(FakeSession { tally, ..FakeSession::new(seed, now) });
        }
        let live = state.session(seed.overlay).unwrap();
        live.put_settings(&seed.settings, now);
        live.instances.retain(|(attached, _)| attached != instance);
        live.instances.push((instance.clone(), viewers));
        live.disconnected_at = None;
        state.index.retain(|(chat, _)| *chat != seed.broadcaster);
        state.index.push((seed.broadcaster.clone(), seed.overlay));
        Ok(())
    }

    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError> {
        let (mut state, now) = self.enter("release a session")?;
        if let Some(live) = state.session(overlay) {
            live.instances.retain(|(attached, _)| attached != instance);
            if live.instances.is_empty() && live.disconnected_at.is_none() {
                live.disconnected_at = Some(now);
            }
        }
        Ok(())
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Session>, StoreError> {
        let (mut state, _) = self.enter("find a session")?;
        let entry = state.index.iter().find(|(chat, _)| chat == broadcaster);
        let overlay = entry.map(|(_, overlay)| *overlay);
        let live = overlay.and_then(|overlay| state.session(overlay));
        Ok(live.map(|live| live.session.clone()))
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError> {
        let (mut state, _) = self.enter("find a session")?;
        Ok(state.session(overlay).map(|live| live.session.clone()))
    }

    async fn attached(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError> {
        let (state, _) = self.enter("list attached sessions")?;
        let attached = state.sessions.iter().filter(|live| !live.instances.is_empty());
        Ok(attached.map(|live| (live.session.overlay, live.session.settings.version)).collect())
    }

    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter("put settings into a session")?;
        let live = state.session(overlay);
        Ok(live.is_some_and(|live| live.put_settings(settings, now)))
    }

    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError> {
        let (mut state, now) = self.enter("look at a session")?;
        Ok(state.session(overlay).map(|live| live.activity(now)))
    }

    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError> {
        let (state, now) = self.enter("list orphans")?;
        let orphans = state.sessions.iter().filter_map(|live| live.orphan(age, now));
        Ok(orphans.collect())
    }

    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter("delete an orphan")?;
        let orphan = state.session(overlay).and_then(|live| live.orphan(age, now));
        if orphan.is_some() {
            let tally = state.session(overlay).and_then(|live| live.tally.take());
            state.tallies.extend(tally.map(|tally| (overlay, tally)));
            state.remove(overlay);
        }
        Ok(orphan.is_some())
    }

    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError> {
        let (mut state, _) = self.enter("delete a session")?;
        state.remove(overlay);
        state.tallies.retain(|(kept, _)| *kept != overlay);
        Ok(())
    }
}

impl FakeSession {
    fn new(seed: &SessionSeed, now: Timestamp) -> Self {
        Self {
            session: Session {
                overlay: seed.overlay,
                broadcaster: seed.broadcaster.clone(),
                settings: Arc::new(seed.settings.clone()),
            },
            value: Sentiment::CENTRE,
            changed_at: now,
            tally: None,
            instances: Vec::new(),
            disconnected_at: None,
            bucket: None,
            applied: Vec::new(),
            limited: Vec::new(),
        }
    }

    fn activity(&self, now: Timestamp) -> SessionActivity {
        let votes = within_the_last_minute(&self.applied, now);
        SessionActivity {
            viewers: self.instances.iter().map(|(_, viewers)| viewers).sum(),
            attached: !self.instances.is_empty(),
            last_vote_at: self.applied.last().copied(),
            votes_last_minute: u32::try_from(votes).unwrap(),
            limited: within_the_last_minute(&self.limited, now) > 0,
        }
    }

    fn orphan(&self, age: Duration, now: Timestamp) -> Option<Orphan> {
        let disconnected_at = self.disconnected_at?;
        (now.since(disconnected_at) >= age).then(|| Orphan {
            overlay: self.session.overlay,
            broadcaster: self.session.broadcaster.clone(),
            disconnected_at,
        })
    }
}
