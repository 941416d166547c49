//! The sessions that this process is attached to, kept in memory to attach again when Redis lost them: it was emptied,
//! or this instance was declared dead.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::session::SessionSeed;

/// Attachments by overlay and instance. Bounded by the sockets of this process.
#[derive(Default)]
pub(crate) struct Attachments {
    by_overlay: Mutex<HashMap<(OverlayId, InstanceId), Attachment>>,
}

/// One session that this process serves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attachment {
    pub(crate) seed: SessionSeed,
    pub(crate) instance: InstanceId,
    pub(crate) viewers: u32,
}

impl Attachments {
    pub(crate) fn insert(&self, attachment: Attachment) {
        let key = (attachment.seed.overlay, attachment.instance.clone());
        self.lock().insert(key, attachment);
    }

    pub(crate) fn remove(&self, overlay: OverlayId, instance: &InstanceId) {
        self.lock().remove(&(overlay, instance.clone()));
    }

    /// Removes every instance's attachment to an overlay whose address is no longer valid.
    pub(crate) fn remove_overlay(&self, overlay: OverlayId) {
        self.lock().retain(|(attached, _), _| *attached != overlay);
    }

    /// Replaces the settings if these are newer.
    pub(crate) fn update_settings(&self, overlay: OverlayId, settings: &VersionedSettings) {
        for ((attached, _), attachment) in self.lock().iter_mut() {
            if *attached == overlay && attachment.seed.settings.version < settings.version {
                attachment.seed.settings = settings.clone();
            }
        }
    }

    /// Whether any instance of this process is attached to the overlay.
    pub(crate) fn contains(&self, overlay: OverlayId) -> bool {
        self.lock().keys().any(|(attached, _)| *attached == overlay)
    }

    pub(crate) fn find(&self, overlay: OverlayId, instance: &InstanceId) -> Option<Attachment> {
        self.lock().get(&(overlay, instance.clone())).cloned()
    }

    /// Lists the attachments of an instance.
    pub(crate) fn of(&self, instance: &InstanceId) -> Vec<Attachment> {
        self.lock().values().filter(|attachment| attachment.instance == *instance).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(OverlayId, InstanceId), Attachment>> {
        self.by_overlay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
