//! The token bucket that limits a session's votes, so that nobody pins the bar.

use crate::time::Timestamp;

/// Size and refill rate of a session's token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketLimit {
    capacity: u32,
    per_minute: u32,
}

impl BucketLimit {
    /// A burst of `capacity` votes, refilled at `per_minute`. `None` for a capacity of 0, which turns the limit off.
    pub fn new(capacity: u32, per_minute: u32) -> Option<Self> {
        (capacity > 0).then_some(Self { capacity, per_minute })
    }

    /// Tokens in a full bucket.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Tokens added per minute.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }
}

/// Number of tokens at the time of the last refill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenBucket {
    tokens: f64,
    at: Timestamp,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(limit: BucketLimit, now: Timestamp) -> Self {
        Self { tokens: f64::from(limit.capacity), at: now }
    }

    /// The bucket with the tokens added that are due until `now`, up to the capacity.
    #[must_use]
    pub fn refilled(self, limit: BucketLimit, now: Timestamp) -> Self {
        let per_ms = f64::from(limit.per_minute) / 60_000.0;
        let elapsed_ms = now.since(self.at).as_secs_f64() * 1_000.0;
        // Two roundings in this order, as in `lua/votes.lua`: both implementations agree at the boundary.
        let added = elapsed_ms * per_ms;
        let tokens = (self.tokens + added).min(f64::from(limit.capacity));
        Self { tokens, at: now.max(self.at) }
    }

    /// The bucket with one token less; `None` if it has less than one.
    #[must_use]
    pub fn take(self) -> Option<Self> {
        (self.tokens >= 1.0).then_some(Self { tokens: self.tokens - 1.0, at: self.at })
    }

    /// Number of tokens at the last refill.
    pub fn tokens(&self) -> f64 {
        self.tokens
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    #[test]
    fn a_burst_of_the_capacity_passes_then_the_rate() {
        let limit = BucketLimit::new(3, 60).unwrap();
        let mut bucket = TokenBucket::full(limit, at(0));
        for _ in 0..3 {
            bucket = bucket.refilled(limit, at(0)).take().unwrap();
        }
        assert_eq!(bucket.refilled(limit, at(999)).take(), None);
        assert!(bucket.refilled(limit, at(1_000)).take().is_some());
    }

    #[test]
    fn a_capacity_of_zero_turns_the_limit_off() {
        assert_eq!(BucketLimit::new(0, 100), None);
    }

    proptest! {
        #[test]
        fn a_bucket_never_exceeds_its_capacity(
            capacity in 1_u32..500,
            per_minute in 0_u32..10_000,
            steps in prop::collection::vec((-5_000_i64..600_000, any::<bool>()), 0..50),
        ) {
            let limit = BucketLimit::new(capacity, per_minute).unwrap();
            let mut bucket = TokenBucket::full(limit, at(0));
            let mut now = 0;
            for (step_ms, take) in steps {
                now += step_ms;
                bucket = bucket.refilled(limit, at(now));
                prop_assert!(bucket.tokens() <= f64::from(capacity));
                prop_assert!(bucket.tokens() >= 0.0);
                if take { bucket = bucket.take().unwrap_or(bucket); }
            }
        }
    }

    #[test]
    fn a_limit_and_a_bucket_say_their_numbers() {
        let limit = BucketLimit::new(5, 60).unwrap();
        assert_eq!((limit.capacity(), limit.per_minute()), (5, 60));
        let empty = (0..5).fold(TokenBucket::full(limit, at(0)), |bucket, _| bucket.take().unwrap());
        assert_eq!(empty.take(), None);
        for (now_ms, tokens) in [(0, 0.0), (500, 0.5), (3_000, 3.0), (5_000, 5.0), (60_000, 5.0)] {
            let refilled = empty.refilled(limit, at(now_ms)).tokens();
            assert!((refilled - tokens).abs() < 1e-9, "{refilled} tokens at {now_ms} ms");
        }
    }

    #[test]
    fn a_clock_that_went_back_adds_no_tokens_twice() {
        let limit = BucketLimit::new(2, 60).unwrap();
        let one = TokenBucket::full(limit, at(1_000)).take().unwrap();
        assert!((one.refilled(limit, at(0)).refilled(limit, at(1_500)).tokens() - 1.5).abs() < 1e-9);
    }
}
