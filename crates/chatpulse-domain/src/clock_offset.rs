//! How far this machine's clock is from another's.

use std::fmt;
use std::time::Duration;

use crate::time::Timestamp;

/// The difference between two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// By how many milliseconds our clock is ahead; negative if it is behind.
    pub ahead_ms: i64,
}

impl ClockOffset {
    /// A larger offset is a failure. Votes become stale at ten minutes.
    pub const TOLERANCE: Duration = Duration::from_mins(5);

    /// Compares our time with theirs of the same moment.
    pub const fn between(ours: Timestamp, theirs: Timestamp) -> Self {
        Self { ahead_ms: ours.unix_ms.saturating_sub(theirs.unix_ms) }
    }

    /// The size of the difference, in either direction.
    pub const fn size(self) -> Duration {
        Duration::from_millis(self.ahead_ms.unsigned_abs())
    }

    /// Whether the difference is more than the tolerance.
    pub fn is_far_off(self) -> bool {
        self.size() > Self::TOLERANCE
    }
}

/// Such as `20 minutes ahead of` or `3 hours behind`; the other clock follows.
impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.size().as_secs();
        let (count, unit) = match secs {
            0..120 => (secs, "seconds"),
            120..7_200 => ((secs + 30) / 60, "minutes"),
            7_200..172_800 => ((secs + 1_800) / 3_600, "hours"),
            _ => ((secs + 43_200) / 86_400, "days"),
        };
        let direction = if self.ahead_ms < 0 { "behind" } else { "ahead of" };
        write!(f, "{count} {unit} {direction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(ours: i64, theirs: i64) -> ClockOffset {
        ClockOffset::between(Timestamp::from_unix_ms(ours), Timestamp::from_unix_ms(theirs))
    }

    #[test]
    fn five_minutes_are_tolerated_in_both_directions() {
        assert!(!offset(300_000, 0).is_far_off() && !offset(0, 300_000).is_far_off());
        assert!(offset(300_001, 0).is_far_off() && offset(0, 300_001).is_far_off());
        assert!(offset(i64::MIN, i64::MAX).is_far_off());
    }

    #[test]
    fn an_offset_reads_as_people_say_it() {
        for (ahead_ms, words) in [
            (1_200_000, "20 minutes ahead of"),
            (-1_200_000, "20 minutes behind"),
            (90_000, "90 seconds ahead of"),
            (-1_199_400, "20 minutes behind"),
            (-10_800_000, "3 hours behind"),
            (864_000_000, "10 days ahead of"),
        ] {
            assert_eq!(ClockOffset { ahead_ms }.to_string(), words);
        }
    }
}
