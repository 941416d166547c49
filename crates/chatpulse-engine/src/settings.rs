//! Saving settings: database, then live session, then everybody else.

use std::sync::Arc;

use chatpulse_domain::command::StageChange;
use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::streamer::Streamer;
use tracing::warn;

use crate::Ports;
use crate::cache::SessionCache;
use crate::sessions::Sessions;

/// Saves and announces.
pub struct Settings {
    repository: Arc<dyn SettingsRepository>,
    streamers: Arc<dyn StreamerRepository>,
    live: Arc<dyn SessionStore>,
    signals: Arc<dyn Signals>,
    cache: Arc<SessionCache>,
    sessions: Arc<Sessions>,
}

impl Settings {
    pub(crate) fn new(ports: &Ports, cache: Arc<SessionCache>, sessions: Arc<Sessions>) -> Self {
        Self {
            repository: Arc::clone(&ports.settings),
            streamers: Arc::clone(&ports.streamers),
            live: Arc::clone(&ports.sessions),
            signals: Arc::clone(&ports.signals),
            cache,
            sessions,
        }
    }

    /// What this streamer has set.
    pub async fn find(&self, streamer: &Streamer) -> Result<Option<VersionedSettings>, StoreError> {
        self.repository.find(streamer.id).await
    }

    /// Saves. Once the database has it, it is saved: a live session that could not be told catches up later.
    pub async fn save(
        &self,
        streamer: &Streamer,
        settings: OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError> {
        let outcome = self.repository.save(streamer.id, &settings, based_on).await?;
        let SaveOutcome::Saved(version) = outcome else {
            return Ok(outcome);
        };
        // What moderators did meanwhile was left alone, so only the database knows the whole.
        let stored = self.repository.find(streamer.id).await.ok().flatten();
        let saved = stored.unwrap_or(VersionedSettings { settings, version });
        self.announce(streamer, &saved).await;
        Ok(outcome)
    }

    /// What a moderator ordered, or the streamer. The address may have been replaced a moment ago; then there is nothing to
    /// do.
    pub async fn set_stage(&self, overlay: OverlayId, change: StageChange) -> Result<(), StoreError> {
        let Some(streamer) = self.streamers.find_by_overlay(overlay).await? else {
            return Ok(());
        };
        if let Some(stored) = self.repository.set_stage(streamer.id, change).await? {
            self.announce(&streamer, &stored).await;
        }
        Ok(())
    }

    /// To the live session, and to everybody who shows it.
    async fn announce(&self, streamer: &Streamer, saved: &VersionedSettings) {
        if let Err(error) = self.live.put_settings(streamer.overlay, saved).await {
            warn!(%error, "settings were saved, but the live session still has the old ones");
        }
        self.sessions.note_settings(streamer.overlay, saved).await;
        self.cache.forget(&streamer.channel());
        self.signals
            .publish(Signal::SettingsChanged { overlay: streamer.overlay, broadcaster: streamer.channel() });
    }
}
