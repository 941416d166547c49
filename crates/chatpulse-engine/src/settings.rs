//! Saving settings: the database first, then the live session, then every other instance.

use std::sync::Arc;

use chatpulse_domain::command::PauseChange;
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

/// Saves settings and announces them.
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

    /// The settings of a streamer.
    pub async fn find(&self, streamer: &Streamer) -> Result<Option<VersionedSettings>, StoreError> {
        self.repository.find(streamer.id).await
    }

    /// Saves settings and announces them. A live session that could not be reached catches up later; the save counts.
    pub async fn save(
        &self,
        streamer: &Streamer,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError> {
        let outcome = self.repository.save(streamer.id, settings, based_on).await?;
        if let SaveOutcome::Saved(stored) = &outcome {
            self.announce(streamer, stored).await;
        }
        Ok(outcome)
    }

    /// Pauses or resumes votes, hides or shows the overlay. Does nothing if the address was replaced meanwhile.
    pub async fn change_pause(&self, overlay: OverlayId, change: PauseChange) -> Result<(), StoreError> {
        let Some(streamer) = self.streamers.find_by_overlay(overlay).await? else {
            return Ok(());
        };
        if let Some(stored) = self.repository.change_pause(streamer.id, change).await? {
            self.announce(&streamer, &stored).await;
        }
        Ok(())
    }

    /// Updates the live session and tells every instance that serves it.
    async fn announce(&self, streamer: &Streamer, saved: &VersionedSettings) {
        if let Err(error) = self.live.put_settings(streamer.overlay, saved).await {
            warn!(%error, "failed to update the live session; it keeps the old settings until the next comparison");
        }
        self.sessions.note_settings(streamer.overlay, saved).await;
        self.cache.forget(&streamer.channel());
        self.signals
            .publish(Signal::SettingsChanged { overlay: streamer.overlay, broadcaster: streamer.channel() });
    }
}
