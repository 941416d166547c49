//! How often something happened in the last 60 seconds, in constant space.

use chatpulse_domain::time::Timestamp;

const SECONDS: usize = 60;

/// One counter a second, used again a minute later. A count leaves with its whole second, so it stays for
/// between 59 and 60 seconds.
#[derive(Debug)]
pub(super) struct LastMinute {
    seconds: [Second; SECONDS],
}

#[derive(Debug, Clone, Copy)]
struct Second {
    unix_secs: i64,
    count: u32,
}

impl LastMinute {
    /// Nothing happened yet.
    pub(super) fn new() -> Self {
        let long_ago = Second { unix_secs: i64::MIN / 2, count: 0 };
        Self { seconds: [long_ago; SECONDS] }
    }

    /// It happened once more.
    pub(super) fn add(&mut self, now: Timestamp) {
        let unix_secs = unix_secs(now);
        let slot = unix_secs.rem_euclid(60);
        let second = &mut self.seconds[usize::try_from(slot).unwrap_or(0)];
        if second.unix_secs != unix_secs {
            *second = Second { unix_secs, count: 0 };
        }
        second.count = second.count.saturating_add(1);
    }

    /// How often.
    pub(super) fn total(&self, now: Timestamp) -> u32 {
        let oldest = unix_secs(now) - 59;
        let recent = self.seconds.iter().filter(|second| second.unix_secs >= oldest);
        recent.fold(0, |total, second| total.saturating_add(second.count))
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
    fn a_count_leaves_after_a_minute() {
        let mut minute = LastMinute::new();
        minute.add(at(500));
        minute.add(at(30_000));
        assert_eq!(minute.total(at(59_999)), 2);
        assert_eq!(minute.total(at(60_000)), 1);
        assert_eq!(minute.total(at(90_000)), 0);
    }

    #[test]
    fn a_counter_used_again_begins_at_zero() {
        let mut minute = LastMinute::new();
        minute.add(at(0));
        minute.add(at(60_000));
        assert_eq!(minute.total(at(60_000)), 1);
    }
}
