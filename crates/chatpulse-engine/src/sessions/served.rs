//! The overlays that this instance serves, each behind its own lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::session::SessionSeed;

use super::Watcher;

type Entry = Arc<tokio::sync::Mutex<ServedOverlay>>;

/// One overlay that this instance serves.
pub(super) struct ServedOverlay {
    pub(super) seed: SessionSeed,
    pub(super) viewers: u32,
    pub(super) previews: u32,
    /// The store does not know the last change yet.
    pub(super) is_untold: bool,
}

impl ServedOverlay {
    pub(super) fn is_open(&self) -> bool {
        self.viewers + self.previews > 0
    }

    pub(super) fn count(&mut self, watcher: Watcher) -> &mut u32 {
        match watcher {
            Watcher::Viewer => &mut self.viewers,
            Watcher::Preview => &mut self.previews,
        }
    }
}

#[derive(Default)]
pub(super) struct ServedOverlays {
    entries: Mutex<HashMap<OverlayId, Entry>>,
}

impl ServedOverlays {
    pub(super) fn entry(&self, seed: &SessionSeed) -> Entry {
        let new = || ServedOverlay { seed: seed.clone(), viewers: 0, previews: 0, is_untold: false };
        let mut entries = self.lock();
        let entry = entries.entry(seed.overlay).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(new())));
        Arc::clone(entry)
    }

    pub(super) fn get(&self, overlay: OverlayId) -> Option<Entry> {
        self.lock().get(&overlay).cloned()
    }

    pub(super) fn all(&self) -> Vec<Entry> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn overlays(&self) -> Vec<OverlayId> {
        self.lock().keys().copied().collect()
    }

    /// Takes all of them out.
    pub(super) fn drain(&self) -> Vec<Entry> {
        self.lock().drain().map(|(_, entry)| entry).collect()
    }

    pub(super) async fn find_open(&self, overlay: OverlayId) -> Option<SessionSeed> {
        let entry = self.get(overlay)?;
        let served = entry.lock().await;
        served.is_open().then(|| served.seed.clone())
    }

    /// New settings of an overlay that is open here, kept for when the database is away.
    pub(super) async fn note_settings(&self, overlay: OverlayId, settings: &VersionedSettings) {
        let Some(entry) = self.get(overlay) else {
            return;
        };
        let mut served = entry.lock().await;
        if served.seed.settings.version < settings.version {
            served.seed.settings = settings.clone();
        }
    }

    pub(super) fn remove_if_idle(&self, served: &ServedOverlay) {
        if served.is_open() || served.is_untold {
            return;
        }
        // An open that waits for our lock has the same Arc: it must find the entry still there.
        let mut entries = self.lock();
        let overlay = served.seed.overlay;
        if entries.get(&overlay).is_some_and(|entry| Arc::strong_count(entry) <= 2) {
            entries.remove(&overlay);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OverlayId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
