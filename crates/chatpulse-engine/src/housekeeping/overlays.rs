//! Open overlays: signals are received here, applied to the overlays that this instance serves, and sockets that ended
//! are closed.

use std::sync::Arc;

use chatpulse_domain::ids::{ChannelId, OverlayId};
use chatpulse_domain::ports::signals::{Heard, Signal, Signals};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{RETRY_EVERY, every};
use crate::cache::SessionCache;
use crate::sessions::{Closing, Sessions};

/// Receives signals, invalidates the cache, and hands on whatever needs a store.
pub struct SignalListener {
    pub(super) signals: Arc<dyn Signals>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) cache: Arc<SessionCache>,
    pub(super) updates: mpsc::Sender<OverlayUpdate>,
    pub(super) changes: mpsc::Sender<ChannelId>,
    pub(super) missed_updates: Arc<Notify>,
    pub(super) missed_changes: Arc<Notify>,
}

/// A change of an overlay that a signal announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OverlayUpdate {
    /// Its URL is no longer valid.
    Rotated(OverlayId),
    /// Its session has other settings.
    SettingsChanged(OverlayId),
}

impl SignalListener {
    /// Listens until `stop`, or until the publisher is gone.
    pub async fn run(self, stop: CancellationToken) {
        let mut stream = self.signals.subscribe();
        while let Some(heard) = stop.run_until_cancelled(stream.next()).await {
            self.cache.hear(&heard);
            match heard {
                Heard::Signal(signal) => self.hear(signal),
                Heard::Gap => {
                    self.missed_updates.notify_one();
                    self.missed_changes.notify_one();
                }
                Heard::Closed => return,
            }
        }
    }

    fn hear(&self, signal: Signal) {
        match signal {
            // The hub and the platforms listen for themselves.
            Signal::SentimentChanged(_) | Signal::PlatformNote(_) => {}
            Signal::SessionChanged(broadcaster) => {
                if self.changes.try_send(broadcaster).is_err() {
                    self.missed_changes.notify_one();
                }
            }
            Signal::OverlayRotated(overlay) => {
                // From this moment nothing opens there, however long the store takes.
                self.sessions.note_retired(overlay);
                self.hand_on(OverlayUpdate::Rotated(overlay));
            }
            Signal::SettingsChanged { overlay, .. } => self.hand_on(OverlayUpdate::SettingsChanged(overlay)),
        }
    }

    fn hand_on(&self, update: OverlayUpdate) {
        if self.updates.try_send(update).is_err() {
            self.missed_updates.notify_one();
        }
    }
}

/// Applies updates to the overlays that are open here; after a gap it compares all of them with the database.
pub struct OverlayUpdater {
    pub(super) sessions: Arc<Sessions>,
    pub(super) due: mpsc::Receiver<OverlayUpdate>,
    pub(super) missed: Arc<Notify>,
}

impl OverlayUpdater {
    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { sessions, mut due, missed } = self;
        let work = async {
            loop {
                tokio::select! {
                    Some(update) = due.recv() => match update {
                        OverlayUpdate::Rotated(overlay) => sessions.retire(overlay).await,
                        OverlayUpdate::SettingsChanged(overlay) => sessions.refresh_settings(overlay).await,
                    },
                    () = missed.notified() => sessions.review().await,
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }
}

/// Closes overlays whose socket ended, and repeats to the session store what it did not hear.
pub struct OverlayCloser {
    pub(super) sessions: Arc<Sessions>,
    pub(super) due: mpsc::Receiver<Closing>,
}

impl OverlayCloser {
    /// Works until `stop`, then closes what has already ended.
    pub async fn run(self, stop: CancellationToken) {
        let Self { sessions, mut due } = self;
        let mut retries = every(RETRY_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(closing) = due.recv() => sessions.close(closing).await,
                _ = retries.tick() => sessions.retry_untold().await,
            }
        }
        while let Ok(closing) = due.try_recv() {
            sessions.close(closing).await;
        }
    }
}
