//! Sessions by broadcaster, remembered for ten seconds, so that a line that is no vote costs no network.
//! "This channel has no session" is remembered too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chatpulse_domain::ids::ChannelId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Heard, Signal};
use chatpulse_domain::session::Session;
use quick_cache::sync::Cache;
use tokio::time::Instant;

/// A lost signal heals after this long.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// "This channel has no session" is believed for less long: one that comes back by itself sends no signal.
const ABSENT_FOR: Duration = Duration::from_secs(2);

/// Channels remembered at once; a fleet of 10,000 live streamers on one instance still fits.
const CHANNELS_MAX: usize = 16_384;

/// Answers "which session does this chat vote in?" from memory where it can.
pub struct SessionCache {
    store: Arc<dyn SessionStore>,
    known: Cache<ChannelId, Known>,
    /// Raised by every invalidation: an answer that was asked for before it is not remembered after it.
    generation: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Clone)]
struct Known {
    session: Option<Arc<Session>>,
    at: Instant,
}

impl Known {
    fn is_fresh(&self) -> bool {
        let span = if self.session.is_some() { FRESH_FOR } else { ABSENT_FOR };
        self.at.elapsed() < span
    }
}

/// How the cache is doing, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Answered from memory.
    pub hits: u64,
    /// Asked of the store.
    pub misses: u64,
    /// Channels remembered now.
    pub entries: usize,
}

impl SessionCache {
    pub(crate) fn new(store: Arc<dyn SessionStore>) -> Self {
        Self {
            store,
            known: Cache::new(CHANNELS_MAX),
            generation: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The session that this chat votes in.
    pub async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Arc<Session>>, StoreError> {
        if let Some(known) = self.known.get(broadcaster).filter(Known::is_fresh) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(known.session);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let asked_in = self.generation.load(Ordering::Acquire);
        let session = self.store.find(broadcaster).await?.map(Arc::new);
        if self.generation.load(Ordering::Acquire) == asked_in {
            self.known.insert(broadcaster.clone(), Known { session: session.clone(), at: Instant::now() });
        }
        Ok(session)
    }

    /// Ask the store again next time.
    pub fn forget(&self, broadcaster: &ChannelId) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.known.remove(broadcaster);
    }

    /// Figures for metrics.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.known.len(),
        }
    }

    /// Forgets what a signal says has changed.
    pub(crate) fn hear(&self, heard: &Heard) {
        match heard {
            Heard::Signal(
                Signal::SettingsChanged { broadcaster, .. } | Signal::SessionChanged(broadcaster),
            ) => {
                self.forget(broadcaster);
            }
            Heard::Gap => {
                self.generation.fetch_add(1, Ordering::AcqRel);
                self.known.clear();
            }
            Heard::Signal(
                Signal::SentimentChanged(_) | Signal::OverlayRotated(_) | Signal::PlatformNote(_),
            )
            | Heard::Closed => {}
        }
    }
}
