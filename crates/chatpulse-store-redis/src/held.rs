//! What this process serves, as it wants Redis to know it. When Redis forgot (it was emptied, or this instance was
//! given up for dead) it is said again from here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::session::SessionSeed;

/// Sessions by overlay and holder. Bounded by the sockets of this process.
#[derive(Default)]
pub(crate) struct Held {
    wanted: Mutex<HashMap<(OverlayId, InstanceId), Wanted>>,
}

/// One session that this process serves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) seed: SessionSeed,
    pub(crate) instance: InstanceId,
    pub(crate) viewers: u32,
}

impl Held {
    pub(crate) fn want(&self, seed: &SessionSeed, instance: &InstanceId, viewers: u32) {
        let wanted = Wanted { seed: seed.clone(), instance: instance.clone(), viewers };
        self.enter().insert((seed.overlay, instance.clone()), wanted);
    }

    pub(crate) fn unwant(&self, overlay: OverlayId, instance: &InstanceId) {
        self.enter().remove(&(overlay, instance.clone()));
    }

    /// Its address is no longer valid, whoever holds it.
    pub(crate) fn forget(&self, overlay: OverlayId) {
        self.enter().retain(|(held, _), _| *held != overlay);
    }

    pub(crate) fn note_settings(&self, overlay: OverlayId, settings: &VersionedSettings) {
        let mut wanted = self.enter();
        for ((held, _), wanted) in wanted.iter_mut() {
            if *held == overlay && wanted.seed.settings.version < settings.version {
                wanted.seed.settings = settings.clone();
            }
        }
    }

    /// Whether this process serves it, under whichever name.
    pub(crate) fn contains(&self, overlay: OverlayId) -> bool {
        self.enter().keys().any(|(held, _)| *held == overlay)
    }

    /// As it is wanted right now.
    pub(crate) fn find(&self, overlay: OverlayId, instance: &InstanceId) -> Option<Wanted> {
        self.enter().get(&(overlay, instance.clone())).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Wanted> {
        self.enter().values().cloned().collect()
    }

    fn enter(&self) -> MutexGuard<'_, HashMap<(OverlayId, InstanceId), Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
