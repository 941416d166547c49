//! A counter of the last 60 seconds, in constant space.

use crate::time::Timestamp;

const SECONDS: u8 = 60;

/// One counter per second, reused a minute later. An event expires with its whole second, so it counts for between 59 and
/// 60 seconds.
#[derive(Debug)]
pub(super) struct LastMinute {
    seconds: [Second; SECONDS as usize],
}

#[derive(Debug, Clone, Copy)]
struct Second {
    unix_secs: i64,
    count: u32,
}

impl LastMinute {
    /// A counter at zero.
    pub(super) fn new() -> Self {
        let long_ago = Second { unix_secs: i64::MIN, count: 0 };
        Self { seconds: [long_ago; SECONDS as usize] }
    }

    /// Counts one event.
    pub(super) fn add(&mut self, now: Timestamp) {
        let unix_secs = unix_secs(now);
        let slot = unix_secs.rem_euclid(i64::from(SECONDS));
        let second = &mut self.seconds[usize::try_from(slot).unwrap_or(0)];
        if second.unix_secs != unix_secs {
            *second = Second { unix_secs, count: 0 };
        }
        second.count = second.count.saturating_add(1);
    }

    /// Number of events in the last minute.
    pub(super) fn total(&self, now: Timestamp) -> u32 {
        let newest_expired = unix_secs(now) - i64::from(SECONDS);
        let counted = self.seconds.iter().filter(|second| second.unix_secs > newest_expired);
        counted.fold(0, |total, second| total.saturating_add(second.count))
    }
}

fn unix_secs(time: Timestamp) -> i64 {
    time.unix_ms.div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    #[test]
    fn an_event_expires_after_a_minute() {
        let mut minute = LastMinute::new();
        minute.add(at(500));
        minute.add(at(30_000));
        assert_eq!(minute.total(at(59_999)), 2);
        assert_eq!(minute.total(at(60_000)), 1);
        assert_eq!(minute.total(at(90_000)), 0);
    }

    #[test]
    fn a_reused_counter_starts_at_zero() {
        let mut minute = LastMinute::new();
        minute.add(at(0));
        minute.add(at(60_000));
        assert_eq!(minute.total(at(60_000)), 1);
    }
}
