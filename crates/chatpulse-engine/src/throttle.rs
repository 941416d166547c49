//! A failure that repeats a thousand times a second is logged once a minute.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

const QUIET_FOR: Duration = Duration::from_mins(1);

/// Lets one caller a minute through.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    /// `true` at most once a minute.
    pub(crate) fn allows(&self) -> bool {
        let Ok(mut last) = self.0.lock() else { return false };
        let due = last.is_none_or(|at| at.elapsed() >= QUIET_FOR);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_a_minute_passes() {
        let throttle = Throttle::default();
        assert!(throttle.allows());
        assert!(!throttle.allows());
        tokio::time::advance(QUIET_FOR).await;
        assert!(throttle.allows());
    }
}
