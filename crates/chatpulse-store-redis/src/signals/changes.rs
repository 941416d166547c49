//! Changes of a bar, at most one per session and tick: the first at once, the last of a tick at its end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::signals::Signal;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

pub(super) struct Changes {
    tick: Duration,
    /// Sessions that were published within the last tick; bounded by those that change.
    recent: Mutex<HashMap<OverlayId, Recent>>,
    begun: Notify,
}

struct Recent {
    published_at: Instant,
    changed_since: bool,
}

impl Changes {
    pub(super) fn new(tick: Duration) -> Self {
        Self { tick, recent: Mutex::default(), begun: Notify::new() }
    }

    /// Whether to publish it now. A change too soon after another is published at the end of the tick.
    pub(super) fn is_due(&self, signal: &Signal) -> bool {
        let Signal::SentimentChanged(overlay) = signal else {
            return true;
        };
        let now = Instant::now();
        let mut recent = self.enter();
        match recent.get_mut(overlay) {
            Some(known) if now < known.published_at + self.tick => {
                known.changed_since = true;
                false
            }
            _ => {
                recent.insert(*overlay, Recent { published_at: now, changed_since: false });
                drop(recent);
                self.begun.notify_one();
                true
            }
        }
    }

    /// Publishes what waited, for ever.
    pub(super) async fn repeat(&self, publish: impl Fn(Signal)) {
        loop {
            let next = self.enter().values().map(|known| known.published_at).min();
            match next {
                Some(first) => sleep_until(first + self.tick).await,
                None => self.begun.notified().await,
            }
            for overlay in self.take_due(Instant::now()) {
                publish(Signal::SentimentChanged(overlay));
            }
        }
    }

    fn take_due(&self, now: Instant) -> Vec<OverlayId> {
        let mut due = Vec::new();
        self.enter().retain(|overlay, known| {
            if now < known.published_at + self.tick {
                return true;
            }
            let changed = std::mem::take(&mut known.changed_since);
            if changed {
                known.published_at = now;
                due.push(*overlay);
            }
            changed
        });
        due
    }

    fn enter(&self) -> MutexGuard<'_, HashMap<OverlayId, Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn many_changes_in_a_tick_are_published_twice() {
        let changes = Changes::new(TICK);
        let overlay = OverlayId::random();
        let published = (0..100).filter(|_| changes.is_due(&Signal::SentimentChanged(overlay))).count();
        assert_eq!(published, 1, "the first at once");
        tokio::time::advance(TICK).await;
        assert_eq!(changes.take_due(Instant::now()), [overlay], "the last at the end of the tick");
        tokio::time::advance(TICK).await;
        assert!(changes.take_due(Instant::now()).is_empty());
        assert!(changes.enter().is_empty(), "a quiet session is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_do_not_wait_for_each_other_and_other_signals_never_wait() {
        let changes = Changes::new(TICK);
        let rotated = Signal::OverlayRotated(OverlayId::random());
        for _ in 0..3 {
            assert!(changes.is_due(&Signal::SentimentChanged(OverlayId::random())));
            assert!(changes.is_due(&rotated));
        }
    }
}
