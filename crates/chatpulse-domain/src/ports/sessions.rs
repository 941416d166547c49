//! Which overlays are live, and which instances hold them.

use std::time::Duration;

use async_trait::async_trait;

use crate::ids::{InstanceId, OverlayId, TwitchUserId};
use crate::overlay::{SettingsVersion, VersionedSettings};
use crate::session::{Orphan, Session, SessionActivity, SessionSeed};

use super::error::StoreError;

/// Keeps sessions.
///
/// Every adapter promises, and the testkit's contract checks:
/// - only `hold` creates a session; holding one that exists keeps its value;
/// - settings only ever go forward: an older version changes nothing, a newer one folds the value at the old
///   decay speed before the new one applies;
/// - the broadcaster's index points to the session held last, and deleting an older session of the same
///   broadcaster leaves it alone;
/// - a session with a holder is never deleted by `delete_orphan`; check and deletion are one step.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// `instance` serves this overlay to `viewers` sockets (0 while only a preview watches). Creates the
    /// session if it is not there.
    async fn hold(&self, seed: &SessionSeed, instance: &InstanceId, viewers: u32) -> Result<(), StoreError>;

    /// `instance` serves it no more. The last one to go leaves an orphan.
    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError>;

    /// The session that this chat votes in.
    async fn find(&self, broadcaster: &TwitchUserId) -> Result<Option<Session>, StoreError>;

    /// The session at this address.
    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError>;

    /// Every session that is held, and which settings it has. One that ends meanwhile may be missing.
    async fn held(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError>;

    /// Replaces the settings of a session if there is one and these are newer. `true` if it did.
    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError>;

    /// What happened lately; `None` without a session.
    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError>;

    /// Sessions without a holder for at least `age`.
    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError>;

    /// Deletes a session that still has no holder for at least `age`. `false` if it was left alone.
    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError>;

    /// Deletes a session whoever holds it: its address is no longer valid.
    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError>;
}
