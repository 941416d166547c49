//! The rate limit of the API: one bucket of points for each token owner.

use std::collections::HashMap;
use std::time::Instant;

const SECONDS_TO_FILL: f64 = 60.0;

/// All buckets.
#[derive(Debug)]
pub(crate) struct Quota {
    capacity: u32,
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    points: f64,
    counted: Instant,
}

/// The values of the `Ratelimit-*` headers of one response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Points {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the bucket is full again.
    pub(crate) full_in: u64,
    /// False if the bucket was empty; the call must be answered with 429.
    pub(crate) granted: bool,
}

impl Quota {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { capacity, buckets: HashMap::new() }
    }

    /// Takes one point from the bucket of `owner`, if it has one.
    pub(crate) fn take(&mut self, owner: &str) -> Points {
        let now = Instant::now();
        let capacity = f64::from(self.capacity);
        let fresh = || Bucket { points: capacity, counted: now };
        let bucket = self.buckets.entry(owner.to_owned()).or_insert_with(fresh);

        let elapsed = now.duration_since(bucket.counted).as_secs_f64();
        bucket.points = (bucket.points + elapsed * capacity / SECONDS_TO_FILL).min(capacity);
        bucket.counted = now;
        let granted = bucket.points >= 1.0;
        if granted {
            bucket.points -= 1.0;
        }
        let missing = (capacity - bucket.points) / capacity.max(1.0) * SECONDS_TO_FILL;
        Points {
            limit: self.capacity,
            remaining: whole(bucket.points),
            full_in: whole(missing.ceil()).into(),
            granted,
        }
    }
}

/// Rounds down a number of points or seconds.
fn whole(number: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the capacity, a u32")]
    let whole = number as u32;
    whole
}
