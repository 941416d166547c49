//! Live sessions and the instances that serve them.

use std::time::Duration;

use async_trait::async_trait;

use crate::ids::{ChannelId, InstanceId, OverlayId};
use crate::overlay::{SettingsVersion, VersionedSettings};
use crate::session::{Orphan, Session, SessionActivity, SessionSeed};

use super::error::StoreError;

/// Stores sessions. An instance attaches to a session to serve it and releases it afterwards; a session without an
/// attached instance is an orphan. A share until reset goes on counting without one for
/// [`COUNTS_ON_FOR`](crate::session::COUNTS_ON_FOR), and its age as an orphan begins after that.
///
/// Every adapter promises, and the testkit's contract checks:
/// - only `attach` creates a session; attaching to one that exists keeps its value;
/// - settings only ever go forward: an older version changes nothing, a newer one folds the value at the old
///   decay speed before the new one applies;
/// - the broadcaster's index points to the session attached last, and deleting an older session of the same
///   broadcaster leaves it alone;
/// - a share until reset is found by its chat, and counts, until it is an orphan;
/// - `delete_orphan` never deletes a session with an attached instance; check and deletion are one step.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Records that `instance` serves this overlay to `viewers` sockets (0 while only a preview watches). Creates the
    /// session if it is not there.
    async fn attach(&self, seed: &SessionSeed, instance: &InstanceId, viewers: u32)
    -> Result<(), StoreError>;

    /// Detaches `instance`. When the last one leaves, the session becomes an orphan.
    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError>;

    /// Finds the session that this chat votes in.
    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Session>, StoreError>;

    /// Finds the session of this overlay.
    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError>;

    /// Lists every session with an attached instance, and the version of its settings. One that ends meanwhile may be
    /// missing.
    async fn attached(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError>;

    /// Replaces the settings of a session if there is one and these are newer. Returns whether it did.
    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError>;

    /// Reads the recent activity of a session; `None` without a session.
    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError>;

    /// Lists sessions that have been orphans for at least `age`.
    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError>;

    /// Deletes a session that has been an orphan for at least `age`. Returns whether it did.
    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError>;

    /// Deletes a session even while instances are attached: its address is no longer valid.
    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError>;
}
