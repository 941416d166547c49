//! Overlays open and close; the session store is told how many this instance serves.
//!
//! [`Sessions::open`] gives out an [`OpenOverlay`]; dropping that closes it, whatever ended the socket. Calls
//! about one overlay are put in order by its own lock, so a close can never overtake an open. Which chats are read
//! for sessions is in [`chats`]; what differs from the database is found in [`reconcile`].

mod chats;
mod reconcile;
mod served;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::ports::chat_feed::{ChatFeed, Served};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::SettingsRepository;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::session::{Session, SessionSeed};
use chatpulse_domain::throttle::Throttle;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use crate::cache::SessionCache;
use crate::reader::Reader;
use crate::{Policy, Ports};
pub use reconcile::DriftReport;
use served::{ServedOverlay, ServedOverlays};

/// How long a replaced address is remembered, for sockets that were about to open it or still close.
const RETIRED_FOR: Duration = Duration::from_mins(1);

/// Sessions that are released at a time when the server stops.
const RELEASED_AT_ONCE: usize = 64;

/// Who watches: OBS, or the preview on the dashboard. A preview keeps the session alive, but is no viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watcher {
    /// A browser source on a stream.
    Viewer,
    /// The preview on the streamer's dashboard.
    Preview,
}

/// Opens and closes the sessions of this instance.
pub struct Sessions {
    instance: InstanceId,
    store: Arc<dyn SessionStore>,
    settings: Arc<dyn SettingsRepository>,
    signals: Arc<dyn Signals>,
    feed: Arc<dyn ChatFeed>,
    cache: Arc<SessionCache>,
    reader: Arc<Reader>,
    served: ServedOverlays,
    /// Replaced addresses and when they were replaced: nothing may attach to their sessions again.
    retired: Mutex<HashMap<OverlayId, Instant>>,
    closings: mpsc::Sender<Closing>,
    clock: Arc<dyn Clock>,
    failures: Throttle,
}

/// An overlay that went away; handled in order by [`crate::housekeeping::Housekeeping`].
pub(crate) struct Closing {
    overlay: OverlayId,
    watcher: Watcher,
}

/// One open overlay socket. Dropping it closes it.
pub struct OpenOverlay {
    closing: Option<(mpsc::OwnedPermit<Closing>, Closing)>,
}

impl Drop for OpenOverlay {
    fn drop(&mut self) {
        if let Some((permit, closing)) = self.closing.take() {
            permit.send(closing);
        }
    }
}

/// Why an overlay could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// As many as this instance takes are open or still closing.
    #[error("too many overlays are open")]
    Full,
    /// The address was replaced a moment ago.
    #[error("the overlay has a new address")]
    Rotated,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

impl Sessions {
    pub(crate) fn new(
        ports: &Ports,
        policy: &Policy,
        cache: Arc<SessionCache>,
        reader: Arc<Reader>,
    ) -> (Self, mpsc::Receiver<Closing>) {
        // Each open socket reserves room for its own closing, so that dropping it never waits or fails.
        let (closings, receiver) = mpsc::channel(policy.overlays_max.max(1));
        let sessions = Self {
            instance: policy.instance.clone(),
            store: Arc::clone(&ports.sessions),
            settings: Arc::clone(&ports.settings),
            signals: Arc::clone(&ports.signals),
            feed: Arc::clone(&ports.feed),
            cache,
            reader,
            served: ServedOverlays::default(),
            retired: Mutex::default(),
            closings,
            clock: Arc::clone(&ports.clock),
            failures: Throttle::default(),
        };
        (sessions, receiver)
    }

    /// What is shown at this address: `None` if it is nobody's. While the database is away, answered from this
    /// instance's own copy, or from the session that another instance serves.
    pub async fn find(&self, overlay: OverlayId) -> Result<Option<SessionSeed>, StoreError> {
        let error = match self.settings.seeds(&[overlay]).await {
            Ok(mut seeds) => return Ok(seeds.pop()),
            Err(error) => error,
        };
        if let Some(seed) = self.served.find_open(overlay).await {
            return Ok(Some(seed));
        }
        match self.store.find_by_overlay(overlay).await {
            Ok(Some(Session { overlay, broadcaster, settings })) => {
                Ok(Some(SessionSeed { overlay, broadcaster, settings: VersionedSettings::clone(&settings) }))
            }
            // Nobody serves it, which does not tell whose it is.
            Ok(None) | Err(_) => Err(error),
        }
    }

    /// One more socket on this overlay. Never waits for a chat platform, and a state store that is away does not keep
    /// the overlay out: it is told later.
    pub async fn open(&self, seed: SessionSeed, watcher: Watcher) -> Result<OpenOverlay, OpenError> {
        let permit = self.closings.clone().try_reserve_owned().map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => OpenError::Full,
            mpsc::error::TrySendError::Closed(_) => OpenError::Stopping,
        })?;
        let (overlay, broadcaster) = (seed.overlay, seed.broadcaster.clone());
        let entry = self.served.entry(&seed);
        let mut served = entry.lock().await;
        if self.is_retired(overlay) {
            return Err(OpenError::Rotated);
        }
        let is_first = !served.is_open();
        if served.seed.settings.version < seed.settings.version {
            served.seed = seed;
        }
        *served.count(watcher) += 1;
        // From here on dropping it closes it, also if the caller goes away while the store is told.
        let open = OpenOverlay { closing: Some((permit, Closing { overlay, watcher })) };
        self.tell_store(&mut served).await;
        drop(served);
        if is_first {
            self.cache.forget(&broadcaster);
            self.signals.publish(Signal::SessionChanged(broadcaster.clone()));
            self.read_chat(broadcaster, Served::Here);
        }
        Ok(open)
    }

    pub(crate) async fn close(&self, closing: Closing) {
        let Some(entry) = self.served.get(closing.overlay) else {
            return;
        };
        let mut served = entry.lock().await;
        let count = served.count(closing.watcher);
        *count = count.saturating_sub(1);
        self.tell_store(&mut served).await;
        self.served.remove_if_idle(&served);
    }

    /// The address was replaced: sockets that are still open go on closing, and nothing attaches to the session again.
    pub(crate) async fn retire(&self, overlay: OverlayId) {
        self.note_retired(overlay);
        if let Some(entry) = self.served.get(overlay) {
            self.tell_store(&mut *entry.lock().await).await;
        }
    }

    /// From now on nothing opens at this address.
    pub(crate) fn note_retired(&self, overlay: OverlayId) {
        self.lock_retired().insert(overlay, Instant::now());
    }

    /// Tells the store again what it was not told; called now and then.
    pub(crate) async fn retry_untold(&self) {
        self.lock_retired()
            .retain(|overlay, at| at.elapsed() < RETIRED_FOR || self.served.get(*overlay).is_some());
        for entry in self.served.all() {
            let mut served = entry.lock().await;
            if served.is_untold {
                self.tell_store(&mut served).await;
                if !served.is_untold {
                    // Whoever heard that it opened found nothing then.
                    self.signals.publish(Signal::SessionChanged(served.seed.broadcaster.clone()));
                }
            }
            self.served.remove_if_idle(&served);
        }
    }

    /// Releases every session at shutdown, so that other instances need not wait until this one counts as dead.
    pub async fn release_all(&self) {
        let releases =
            stream::iter(self.served.drain()).for_each_concurrent(RELEASED_AT_ONCE, async |entry| {
                let mut served = entry.lock().await;
                (served.viewers, served.previews) = (0, 0);
                self.tell_store(&mut served).await;
            });
        releases.await;
    }

    async fn tell_store(&self, served: &mut ServedOverlay) {
        let told = if served.is_open() && !self.is_retired(served.seed.overlay) {
            self.store.attach(&served.seed, &self.instance, served.viewers).await
        } else {
            self.store.release(served.seed.overlay, &self.instance).await
        };
        served.is_untold = told.is_err();
        if let Err(error) = told
            && self.failures.allows(self.clock.now())
        {
            warn!(%error, "failed to tell the session store that an overlay opened or closed; trying again (logged once a minute)");
        }
    }

    fn is_retired(&self, overlay: OverlayId) -> bool {
        self.lock_retired().contains_key(&overlay)
    }

    fn lock_retired(&self) -> MutexGuard<'_, HashMap<OverlayId, Instant>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
