//! What streamers have set.

use async_trait::async_trait;

use crate::command::StageChange;
use crate::ids::{OverlayId, StreamerId};
use crate::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use crate::session::SessionSeed;

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
/// - a write based on an older version than was last saved changes nothing;
/// - a change of stage is a write too, but no save: it makes nobody's page old, and saving leaves the stage
///   alone, but for moderators who may undo nothing any more: then it is as if they had done nothing;
/// - what was saved is read back exactly as typed;
/// - an overlay's seed is there as long as its address is valid, and not a moment longer.
#[async_trait]
pub trait SettingsRepository: Send + Sync {
    /// The settings of one streamer.
    async fn find(&self, streamer: StreamerId) -> Result<Option<VersionedSettings>, StoreError>;

    /// What the sessions of these overlays are made from, in any order. An address that is nobody's is left out.
    async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError>;

    /// Writes all but the stage, unless `based_on` is given and older than what was last saved.
    async fn save(
        &self,
        streamer: StreamerId,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError>;

    /// Changes the stage and nothing else; returns what is stored then. `None` without such a streamer.
    async fn set_stage(
        &self,
        streamer: StreamerId,
        change: StageChange,
    ) -> Result<Option<VersionedSettings>, StoreError>;
}
