//! Limits the changes of a bar to one per session and tick: the first is published at once, the last at the end of the
//! tick.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::signals::Signal;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

pub(super) struct Changes {
    tick: Duration,
    /// Sessions with a change within the last tick.
    recent: Mutex<HashMap<OverlayId, Recent>>,
    started: Notify,
}

struct Recent {
    published_at: Instant,
    changed_since: bool,
}

impl Changes {
    pub(super) fn new(tick: Duration) -> Self {
        Self { tick, recent: Mutex::default(), started: Notify::new() }
    }

    /// Whether to publish a signal now. A change within a tick of another is published at the end of that tick.
    pub(super) fn is_due(&self, signal: &Signal) -> bool {
        let Signal::SentimentChanged(overlay) = signal else {
            return true;
        };
        let now = Instant::now();
        let mut recent = self.lock();
        match recent.get_mut(overlay) {
            Some(known) if now < known.published_at + self.tick => {
                known.changed_since = true;
                false
            }
            _ => {
                recent.insert(*overlay, Recent { published_at: now, changed_since: false });
                drop(recent);
                self.started.notify_one();
                true
            }
        }
    }

    /// Publishes the changes that waited for the end of their tick. Never returns.
    pub(super) async fn repeat(&self, publish: impl Fn(Signal)) {
        loop {
            let next = self.lock().values().map(|known| known.published_at).min();
            match next {
                Some(first) => sleep_until(first + self.tick).await,
                None => self.started.notified().await,
            }
            for overlay in self.take_due(Instant::now()) {
                publish(Signal::SentimentChanged(overlay));
            }
        }
    }

    fn take_due(&self, now: Instant) -> Vec<OverlayId> {
        let mut due = Vec::new();
        self.lock().retain(|overlay, known| {
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

    fn lock(&self) -> MutexGuard<'_, HashMap<OverlayId, Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn of_many_changes_in_a_tick_the_first_and_the_last_are_published() {
        let changes = Changes::new(TICK);
        let overlay = OverlayId::random();
        let published = (0..100).filter(|_| changes.is_due(&Signal::SentimentChanged(overlay))).count();
        assert_eq!(published, 1, "the first is published at once");
        tokio::time::advance(TICK).await;
        assert_eq!(
            changes.take_due(Instant::now()),
            [overlay],
            "the last is published at the end of the tick"
        );
        tokio::time::advance(TICK).await;
        assert!(changes.take_due(Instant::now()).is_empty());
        assert!(changes.lock().is_empty(), "a session without changes is removed");
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_do_not_wait_for_each_other_and_other_signals_do_not_wait() {
        let changes = Changes::new(TICK);
        let rotated = Signal::OverlayRotated(OverlayId::random());
        for _ in 0..3 {
            assert!(changes.is_due(&Signal::SentimentChanged(OverlayId::random())));
            assert!(changes.is_due(&rotated));
        }
    }
}
