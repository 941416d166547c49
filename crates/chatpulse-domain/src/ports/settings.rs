//! Port to the durable settings of streamers.

use async_trait::async_trait;

use crate::command::PauseChange;
use crate::ids::{OverlayId, StreamerId};
use crate::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use crate::session::SessionSeed;

use super::error::StoreError;

/// The result of [`SettingsRepository::save`], with the row that is stored afterwards.
#[derive(Debug, Clone, PartialEq)]
pub enum SaveOutcome {
    /// The settings were saved.
    Saved(VersionedSettings),
    /// Somebody saved since `based_on`; nothing was written.
    Stale(VersionedSettings),
    /// No such streamer.
    NoStreamer,
}

/// Keeps settings.
///
/// Every adapter promises, and the testkit's contract checks:
/// - every write raises the version;
/// - a save based on an older version than the last saved one changes nothing;
/// - a change of the pause state is a write but no save: it makes no page stale, and saving leaves it alone, unless the
///   save turns the moderators' commands off: that also resumes votes and shows the overlay;
/// - saved settings are read back exactly, with the fields of a newer version;
/// - an overlay's seed exists as long as its address is valid, and not longer.
#[async_trait]
pub trait SettingsRepository: Send + Sync {
    /// The settings of one streamer.
    async fn find(&self, streamer: StreamerId) -> Result<Option<VersionedSettings>, StoreError>;

    /// The seeds of these overlays' sessions, in any order. An unknown overlay is left out.
    async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError>;

    /// Saves the settings, unless `based_on` is older than the last saved version.
    async fn save(
        &self,
        streamer: StreamerId,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError>;

    /// Changes the pause state and nothing else; returns the row as stored then. `None` without such a streamer.
    async fn change_pause(
        &self,
        streamer: StreamerId,
        change: PauseChange,
    ) -> Result<Option<VersionedSettings>, StoreError>;
}
