//! Live state in process memory: votes and sessions behind one lock.
//!
//! Every call takes the lock, asks the clock once and runs to its end without waiting, so it is one atomic step.
//! A vote costs the same whatever came before it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chatpulse_domain::ids::{ChannelId, ChatterId, MessageId, OverlayId};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::tally::WindowedTally;
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{DEBOUNCE, SEEN_FOR};

use recent::Recent;
use session::LiveSession;

mod last_minute;
mod recent;
mod session;
mod sessions;
mod votes;

/// Votes and sessions of one process.
pub struct MemoryLive {
    clock: Arc<dyn Clock>,
    /// Each session's token bucket; `None` lets everybody pass.
    limit: Option<BucketLimit>,
    state: Mutex<State>,
}

struct State {
    sessions: HashMap<OverlayId, LiveSession>,
    /// The session that each chat votes in: the one attached to last.
    by_broadcaster: HashMap<ChannelId, OverlayId>,
    /// Outlives its session: a message that comes again after the overlay was reopened still counts once.
    seen: Recent<(OverlayId, MessageId)>,
    debounced: Recent<(OverlayId, ChatterId)>,
    /// Of sessions that were cleaned up: a count until reset goes on when the overlay comes back.
    tallies: HashMap<OverlayId, WindowedTally>,
}

impl MemoryLive {
    /// Nothing is live yet. The clock should not step back: until it has caught up, no time passes here.
    pub fn new(clock: Arc<dyn Clock>, limit: Option<BucketLimit>) -> Self {
        let state = State {
            sessions: HashMap::new(),
            by_broadcaster: HashMap::new(),
            seen: Recent::new(SEEN_FOR),
            debounced: Recent::new(DEBOUNCE),
            tallies: HashMap::new(),
        };
        Self { clock, limit, state: Mutex::new(state) }
    }

    /// The state, and the time for this step. Nothing panics under the lock; if it did, one session would be odd,
    /// which is better than none.
    fn enter(&self) -> (MutexGuard<'_, State>, Timestamp) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state, self.clock.now())
    }
}

impl State {
    fn remove(&mut self, overlay: OverlayId) -> Option<LiveSession> {
        let removed = self.sessions.remove(&overlay)?;
        let broadcaster = removed.broadcaster();
        if self.by_broadcaster.get(broadcaster) == Some(&overlay) {
            self.by_broadcaster.remove(broadcaster);
        }
        Some(removed)
    }

    /// The session ends, its count waits for the next. Those that waited in vain go.
    fn put_by(&mut self, overlay: OverlayId, now: Timestamp) {
        self.tallies.retain(|_, tally| !tally.has_ended(now));
        if let Some(tally) = self.remove(overlay).and_then(LiveSession::into_tally) {
            self.tallies.insert(overlay, tally);
        }
    }
}
