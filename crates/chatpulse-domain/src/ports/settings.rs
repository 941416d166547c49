//! What streamers have set.

use async_trait::async_trait;

use crate::ids::StreamerId;
use crate::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};

use super::error::StoreError;

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveOutcome {
    /// Written; this is the new version.
    Saved(SettingsVersion),
    /// Somebody saved since `based_on`; nothing was written.
    Stale,
    /// No such streamer.
    NoStreamer,
}

/// Keeps settings.
///
/// Every adapter promises, and the testkit's contract checks:
/// - every write raises the version;
/// - a write based on an older version than the stored one changes nothing;
/// - what was saved is read back exactly as typed.
#[async_trait]
pub trait SettingsRepository: Send + Sync {
    /// The settings of one streamer.
    async fn find(&self, streamer: StreamerId) -> Result<Option<VersionedSettings>, StoreError>;

    /// Writes, unless `based_on` is given and older than what is stored.
    async fn save(
        &self,
        streamer: StreamerId,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError>;
}
