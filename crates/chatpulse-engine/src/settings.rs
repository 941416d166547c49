//! Saving settings: database, then live session, then everybody else.

use std::sync::Arc;

use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::streamer::Streamer;
use tracing::warn;

use crate::Ports;
use crate::cache::SessionCache;
use crate::sessions::Sessions;

/// Saves and announces.
pub struct Settings {
    repository: Arc<dyn SettingsRepository>,
    live: Arc<dyn SessionStore>,
    signals: Arc<dyn Signals>,
    cache: Arc<SessionCache>,
    sessions: Arc<Sessions>,
}

impl Settings {
    pub(crate) fn new(ports: &Ports, cache: Arc<SessionCache>, sessions: Arc<Sessions>) -> Self {
        Self {
            repository: Arc::clone(&ports.settings),
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
        let saved = VersionedSettings { settings, version };
        if let Err(error) = self.live.put_settings(streamer.overlay, &saved).await {
            warn!(%error, "settings were saved, but the live session still has the old ones");
        }
        self.sessions.note_settings(streamer.overlay, &saved).await;
        self.cache.forget(&streamer.twitch_id);
        self.signals.publish(Signal::SettingsChanged {
            overlay: streamer.overlay,
            broadcaster: streamer.twitch_id.clone(),
        });
        Ok(outcome)
    }
}
