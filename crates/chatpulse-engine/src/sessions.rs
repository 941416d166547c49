//! Overlays open and close; the session store is told how many this instance serves.
//!
//! [`Sessions::open`] gives out an [`OpenOverlay`]; dropping that closes it, whatever ended the socket. Calls
//! about one overlay are put in order by its own lock, so a close can never overtake an open.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, InstanceId, OverlayId, TwitchUserId};
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::chat_feed::{ChatChannel, ChatFeed};
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

/// How long a replaced address is remembered: sockets that were about to open it, or still close.
const RETIRED_FOR: Duration = Duration::from_mins(1);

/// Sessions that are compared with the database in one query.
const COMPARED_AT_ONCE: usize = 500;

/// Sessions that are let go of at a time when the server stops.
const RELEASED_AT_ONCE: usize = 64;

/// Who watches: OBS, or the preview on the dashboard. A preview keeps the session alive, but is no viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watcher {
    /// A browser source on a stream.
    Viewer,
    /// The streamer's own look at it.
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
    served: Mutex<HashMap<OverlayId, Arc<tokio::sync::Mutex<Served>>>>,
    /// Replaced addresses and when: nothing may hold their sessions again.
    retired: Mutex<HashMap<OverlayId, Instant>>,
    closings: mpsc::Sender<Closing>,
    clock: Arc<dyn Clock>,
    failures: Throttle,
}

/// One overlay that this instance serves.
struct Served {
    seed: SessionSeed,
    viewers: u32,
    previews: u32,
    /// The store did not hear of the last change yet.
    unheard: bool,
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
        if let Some((place, closing)) = self.closing.take() {
            place.send(closing);
        }
    }
}

/// What one look for drifted settings found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DriftReport {
    /// Live sessions with older settings than the database.
    pub detected: u64,
    /// Of those, brought up to date.
    pub fixed: u64,
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
        // Each open socket reserves the place of its own closing, so that dropping it never waits or fails.
        let (closings, receiver) = mpsc::channel(policy.overlays_max.max(1));
        let sessions = Self {
            instance: policy.instance.clone(),
            store: Arc::clone(&ports.sessions),
            settings: Arc::clone(&ports.settings),
            signals: Arc::clone(&ports.signals),
            feed: Arc::clone(&ports.feed),
            cache,
            reader,
            served: Mutex::default(),
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
        if let Some(seed) = self.find_served(overlay).await {
            return Ok(Some(seed));
        }
        match self.store.find_by_overlay(overlay).await {
            Ok(Some(Session { overlay, broadcaster, settings })) => {
                Ok(Some(SessionSeed { overlay, broadcaster, settings: VersionedSettings::clone(&settings) }))
            }
            // Nobody serves it, which says nothing about whose it is.
            Ok(None) | Err(_) => Err(error),
        }
    }

    async fn find_served(&self, overlay: OverlayId) -> Option<SessionSeed> {
        let served = self.lock().get(&overlay).cloned()?;
        let served = served.lock().await;
        served.is_open().then(|| served.seed.clone())
    }

    /// One more socket on this overlay. Never waits for Twitch, and a state store that is away does not keep
    /// the overlay out: it is told later.
    pub async fn open(&self, seed: SessionSeed, watcher: Watcher) -> Result<OpenOverlay, OpenError> {
        let place = self.closings.clone().try_reserve_owned().map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => OpenError::Full,
            mpsc::error::TrySendError::Closed(_) => OpenError::Stopping,
        })?;
        let (overlay, broadcaster) = (seed.overlay, seed.broadcaster.clone());
        let served = self.served(&seed);
        let mut served = served.lock().await;
        if self.is_retired(overlay) {
            return Err(OpenError::Rotated);
        }
        let first = !served.is_open();
        if served.seed.settings.version < seed.settings.version {
            served.seed = seed;
        }
        *served.count(watcher) += 1;
        // From here on it is owned, also if the caller goes away while the store is told.
        let open = OpenOverlay { closing: Some((place, Closing { overlay, watcher })) };
        self.tell(&mut served).await;
        drop(served);
        if first {
            self.cache.forget(&broadcaster);
            self.signals.publish(Signal::SessionChanged(broadcaster.clone()));
            self.read_chat(broadcaster);
        }
        Ok(open)
    }

    /// The address was replaced: what is still open goes on closing, and nothing holds the session again.
    pub(crate) async fn retire(&self, overlay: OverlayId) {
        self.note_retired(overlay);
        let Some(served) = self.lock().get(&overlay).cloned() else {
            return;
        };
        self.tell(&mut *served.lock().await).await;
    }

    /// From now on nothing opens there.
    pub(crate) fn note_retired(&self, overlay: OverlayId) {
        self.lock_retired().insert(overlay, Instant::now());
    }

    /// Asks for a chat to be read, by the account that reads.
    pub(crate) fn read_chat(&self, broadcaster: ChannelId) {
        if let Some(reader) = self.reader.account().map(|account| account.chatter()) {
            self.feed.want(ChatChannel { broadcaster, reader });
        }
    }

    /// The same for a chat that another instance serves.
    pub(crate) fn follow_chat(&self, broadcaster: ChannelId) {
        if let Some(reader) = self.reader.account().map(|account| account.chatter()) {
            self.feed.follow(ChatChannel { broadcaster, reader });
        }
    }

    /// And for all that are served by any instance: these.
    pub(crate) async fn follow_all_chats(&self) -> Result<HashSet<ChannelId>, StoreError> {
        let mut followed = HashSet::new();
        let held: Vec<OverlayId> =
            self.store.attached().await?.into_iter().map(|(overlay, _)| overlay).collect();
        for overlays in held.chunks(COMPARED_AT_ONCE) {
            for seed in self.seeds(overlays).await? {
                self.follow_chat(seed.broadcaster.clone());
                followed.insert(seed.broadcaster);
            }
        }
        Ok(followed)
    }

    /// Another instance was refused this chat.
    pub(crate) fn note_refused(&self, broadcaster: ChannelId) {
        if let Some(reader) = self.reader.account().map(|account| account.chatter()) {
            self.feed.refuse(ChatChannel { broadcaster, reader });
        }
    }

    /// Somebody agreed anew: what Twitch refused before may be allowed now, for the account that reads every chat.
    pub(crate) fn forgive(&self, user: &TwitchUserId) {
        self.feed.forgive(&user.channel());
        self.feed.forgive_reader(&user.chatter());
    }

    /// That somebody agreed may have been missed.
    pub(crate) fn forgive_all(&self) {
        self.feed.forgive_all();
    }

    /// For an instance that has just begun to listen.
    pub(crate) fn tell_refusals(&self) {
        self.feed.tell_refusals();
    }

    pub(crate) async fn close(&self, closing: Closing) {
        let Some(served) = self.lock().get(&closing.overlay).cloned() else {
            return;
        };
        let mut served = served.lock().await;
        let count = served.count(closing.watcher);
        *count = count.saturating_sub(1);
        self.tell(&mut served).await;
        self.forget_if_idle(&served);
    }

    /// Tells the store again what it did not hear; called now and then.
    pub(crate) async fn retry_unheard(&self) {
        self.lock_retired()
            .retain(|overlay, at| at.elapsed() < RETIRED_FOR || self.lock().contains_key(overlay));
        let all: Vec<_> = self.lock().values().cloned().collect();
        for served in all {
            let mut served = served.lock().await;
            if served.unheard {
                self.tell(&mut served).await;
                if !served.unheard {
                    // Whoever heard that it opened found nothing then.
                    self.signals.publish(Signal::SessionChanged(served.seed.broadcaster.clone()));
                }
            }
            self.forget_if_idle(&served);
        }
    }

    /// The streamer saved, perhaps at another instance: our own copy is for when the stores are away.
    pub(crate) async fn refresh_settings(&self, overlay: OverlayId) {
        if !self.lock().contains_key(&overlay) {
            return;
        }
        match self.store.find_by_overlay(overlay).await {
            Ok(Some(session)) => self.note_settings(overlay, &session.settings).await,
            Ok(None) => {}
            Err(error) => {
                warn!(%error, "saved settings could not be looked up; the next round does");
            }
        }
    }

    /// Signals were missed: what is open here is compared with the database. A replaced address is closed, and newer
    /// settings are taken over.
    pub(crate) async fn review(&self) {
        let open: Vec<OverlayId> = self.lock().keys().copied().collect();
        for overlays in open.chunks(COMPARED_AT_ONCE) {
            match self.seeds(overlays).await {
                Ok(seeds) => {
                    for seed in &seeds {
                        self.note_settings(seed.overlay, &seed.settings).await;
                    }
                    for overlay in overlays.iter().filter(|overlay| is_missing(**overlay, &seeds)) {
                        self.signals.publish(Signal::OverlayRotated(*overlay));
                    }
                }
                Err(error) => {
                    return warn!(%error, "open overlays could not be compared with the database this time");
                }
            }
        }
    }

    /// Compares every session that is held anywhere with the database, and mends what did not reach it: settings that
    /// were saved, addresses that were replaced. For one instance at a time.
    pub(crate) async fn reconcile(&self) -> DriftReport {
        let mut report = DriftReport::default();
        if let Err(error) = self.reconcile_all(&mut report).await {
            warn!(%error, "live sessions could not all be compared with the database; the next round tries again");
        }
        report
    }

    async fn reconcile_all(&self, report: &mut DriftReport) -> Result<(), StoreError> {
        let held = self.store.attached().await?;
        for held in held.chunks(COMPARED_AT_ONCE) {
            let overlays: Vec<OverlayId> = held.iter().map(|(overlay, _)| *overlay).collect();
            let seeds = self.seeds(&overlays).await?;
            for overlay in overlays.into_iter().filter(|overlay| is_missing(*overlay, &seeds)) {
                self.store.delete(overlay).await?;
                self.signals.publish(Signal::OverlayRotated(overlay));
            }
            let versions: HashMap<OverlayId, SettingsVersion> = held.iter().copied().collect();
            for seed in seeds {
                if versions.get(&seed.overlay).is_some_and(|live| *live < seed.settings.version) {
                    report.detected += 1;
                    report.fixed += u64::from(self.bring_up_to_date(&seed).await?);
                }
            }
        }
        Ok(())
    }

    async fn bring_up_to_date(&self, seed: &SessionSeed) -> Result<bool, StoreError> {
        let overlay = seed.overlay;
        let fixed = self.store.put_settings(overlay, &seed.settings).await?;
        self.note_settings(overlay, &seed.settings).await;
        self.signals.publish(Signal::SettingsChanged { overlay, broadcaster: seed.broadcaster.clone() });
        Ok(fixed)
    }

    /// All at once; if one of them is odd, each by itself, so that the others are not odd with it.
    async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError> {
        match self.settings.seeds(overlays).await {
            Err(StoreError::Corrupt { .. }) if overlays.len() > 1 => {}
            seeds => return seeds,
        }
        let mut seeds = Vec::with_capacity(overlays.len());
        for overlay in overlays {
            match self.settings.seeds(&[*overlay]).await {
                Ok(found) => seeds.extend(found),
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(%error, "an overlay's settings cannot be read");
                    // Odd is not gone: it stays as it is.
                    seeds.extend(self.find_served(*overlay).await);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(seeds)
    }

    /// Lets go of every session at shutdown, so that other instances need not wait for us to be found dead.
    pub async fn release_all(&self) {
        let all: Vec<_> = self.lock().drain().collect();
        let letting_go = stream::iter(all).for_each_concurrent(RELEASED_AT_ONCE, async |(_, served)| {
            let mut served = served.lock().await;
            (served.viewers, served.previews) = (0, 0);
            self.tell(&mut served).await;
        });
        letting_go.await;
    }

    /// New settings of an overlay that is open here, kept for when the database is away.
    pub(crate) async fn note_settings(&self, overlay: OverlayId, settings: &VersionedSettings) {
        let Some(served) = self.lock().get(&overlay).cloned() else {
            return;
        };
        let mut served = served.lock().await;
        if served.seed.settings.version < settings.version {
            served.seed.settings = settings.clone();
        }
    }

    async fn tell(&self, served: &mut Served) {
        let told = if served.is_open() && !self.is_retired(served.seed.overlay) {
            self.store.attach(&served.seed, &self.instance, served.viewers).await
        } else {
            self.store.release(served.seed.overlay, &self.instance).await
        };
        served.unheard = told.is_err();
        if let Err(error) = told
            && self.failures.allows(self.clock.now())
        {
            warn!(%error, "an overlay opened or closed and the session store could not be told (said once a minute)");
        }
    }

    fn forget_if_idle(&self, served: &Served) {
        if !served.is_open() && !served.unheard {
            // An open that waits for our lock holds the same Arc: it must find the entry still there.
            let mut all = self.lock();
            let overlay = served.seed.overlay;
            if all.get(&overlay).is_some_and(|entry| Arc::strong_count(entry) <= 2) {
                all.remove(&overlay);
            }
        }
    }

    fn is_retired(&self, overlay: OverlayId) -> bool {
        self.lock_retired().contains_key(&overlay)
    }

    fn lock_retired(&self) -> std::sync::MutexGuard<'_, HashMap<OverlayId, Instant>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self, seed: &SessionSeed) -> Arc<tokio::sync::Mutex<Served>> {
        let new = || Served { seed: seed.clone(), viewers: 0, previews: 0, unheard: false };
        Arc::clone(
            self.lock().entry(seed.overlay).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(new()))),
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OverlayId, Arc<tokio::sync::Mutex<Served>>>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address without a seed is nobody's any more.
fn is_missing(overlay: OverlayId, seeds: &[SessionSeed]) -> bool {
    !seeds.iter().any(|seed| seed.overlay == overlay)
}

impl Served {
    fn is_open(&self) -> bool {
        self.viewers + self.previews > 0
    }

    fn count(&mut self, watcher: Watcher) -> &mut u32 {
        match watcher {
            Watcher::Viewer => &mut self.viewers,
            Watcher::Preview => &mut self.previews,
        }
    }
}
