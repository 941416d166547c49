//! A vote, what can become of it, and the limits it passes: debounce and token bucket.

use std::time::Duration;

use crate::ids::{ChatterId, MessageId, OverlayId};
use crate::sentiment::Sentiment;
use crate::time::Timestamp;

/// How long a message id is remembered, so that a repeated delivery counts once.
pub const SEEN_FOR: Duration = Duration::from_mins(10);

/// One vote per chatter and session in this time.
pub const DEBOUNCE: Duration = Duration::from_secs(1);

/// Which end of the bar a vote pulls to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// To the right, towards +100.
    For,
    /// To the left, towards −100.
    Against,
}

impl Side {
    /// Both, for whoever must treat them alike.
    pub const BOTH: [Self; 2] = [Self::For, Self::Against];

    /// `for` or `against`: the word in JSON and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
        }
    }
}

/// One chat line that matched a trigger, on its way to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The session it counts in.
    pub overlay: OverlayId,
    /// Who typed it; the debounce is theirs.
    pub chatter: ChatterId,
    /// What a repeated delivery has in common.
    pub message: MessageId,
    /// Which way it pulls.
    pub side: Side,
}

/// What the store made of a vote. All but [`VoteOutcome::Applied`] left debounce, tokens and value alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VoteOutcome {
    /// It moved the bar; this is the value right after it.
    Applied(Sentiment),
    /// The same chatter voted less than [`DEBOUNCE`] ago.
    Debounced,
    /// The session's token bucket is empty.
    RateLimited,
    /// This message was seen before.
    Duplicate,
    /// Nobody has the overlay open.
    NoSession,
}

/// How many votes a session takes: a burst, then so many a minute. Guards the bar against being pinned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketLimit {
    capacity: u32,
    per_minute: u32,
}

impl BucketLimit {
    /// `None` when the limit is off: a capacity of 0.
    pub fn new(capacity: u32, per_minute: u32) -> Option<Self> {
        (capacity > 0).then_some(Self { capacity, per_minute })
    }

    /// Tokens in a full bucket.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Tokens that come back in a minute.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }
}

/// A session's token bucket: how many tokens there were at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenBucket {
    tokens: f64,
    at: Timestamp,
}

impl TokenBucket {
    /// A new bucket is full.
    pub fn full(limit: BucketLimit, now: Timestamp) -> Self {
        Self { tokens: f64::from(limit.capacity), at: now }
    }

    /// The bucket as it is now, refilled for the time that has passed, never above capacity.
    #[must_use]
    pub fn refilled(self, limit: BucketLimit, now: Timestamp) -> Self {
        let per_ms = f64::from(limit.per_minute) / 60_000.0;
        let elapsed_ms = now.since(self.at).as_secs_f64() * 1_000.0;
        // Rounded twice, as every other place that holds this rule does it: at a boundary all of them agree.
        let refilled = elapsed_ms * per_ms;
        let tokens = (self.tokens + refilled).min(f64::from(limit.capacity));
        Self { tokens, at: now.max(self.at) }
    }

    /// One token less, or `None` if there is not a whole one.
    #[must_use]
    pub fn take(self) -> Option<Self> {
        (self.tokens >= 1.0).then_some(Self { tokens: self.tokens - 1.0, at: self.at })
    }

    /// Tokens at the time of the last refill.
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
}
