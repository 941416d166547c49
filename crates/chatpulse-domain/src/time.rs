//! Points in time. The current time comes from a [`crate::ports::clock::Clock`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Unix time in milliseconds.
    pub unix_ms: i64,
}

impl Timestamp {
    /// The time at `unix_ms`.
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self { unix_ms }
    }

    /// The time from `earlier` to this; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.unix_ms.saturating_sub(earlier.unix_ms)).unwrap_or(0))
    }

    /// The time `span` after this.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self { unix_ms: self.unix_ms.saturating_add(millis(span)) }
    }

    /// The time `span` before this.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self { unix_ms: self.unix_ms.saturating_sub(millis(span)) }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let unix_ms = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        };
        Self { unix_ms }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_counts_as_no_time() {
        let (early, late) = (Timestamp::from_unix_ms(1_000), Timestamp::from_unix_ms(3_500));
        assert_eq!(late.since(early), Duration::from_millis(2_500));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn a_span_moves_a_time_both_ways() {
        let (time, span) = (Timestamp::from_unix_ms(1_000), Duration::from_millis(250));
        assert_eq!(time.plus(span), Timestamp::from_unix_ms(1_250));
        assert_eq!(time.minus(span), Timestamp::from_unix_ms(750));
    }

    #[test]
    fn a_system_time_before_1970_is_negative() {
        let span = Duration::from_millis(1_500);
        assert_eq!(Timestamp::from(UNIX_EPOCH + span), Timestamp::from_unix_ms(1_500));
        assert_eq!(Timestamp::from(UNIX_EPOCH - span), Timestamp::from_unix_ms(-1_500));
    }
}
