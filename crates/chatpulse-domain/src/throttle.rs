//! Limits a log line to one a minute, where it could repeat a thousand times a second.

use std::sync::Mutex;
use std::time::Duration;

use crate::time::Timestamp;

const QUIET_FOR: Duration = Duration::from_mins(1);

/// Allows one call a minute.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Option<Timestamp>>);

impl Throttle {
    /// Returns `true` at most once a minute. If the clock was set back, the next call is allowed.
    pub fn allows(&self, now: Timestamp) -> bool {
        let Ok(mut last) = self.0.lock() else { return false };
        let due = last.is_none_or(|last| now < last || now.since(last) >= QUIET_FOR);
        if due {
            *last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_minute_passes() {
        let (throttle, start) = (Throttle::default(), Timestamp::from_unix_ms(1_000_000));
        assert!(throttle.allows(start));
        assert!(!throttle.allows(start), "at the same moment");
        assert!(!throttle.allows(start.plus(Duration::from_millis(59_999))));
        assert!(throttle.allows(start.plus(QUIET_FOR)));
        assert!(throttle.allows(start), "the clock was set back");
    }
}
