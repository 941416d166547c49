//! Waits that grow with each failure, and differ between instances.

use std::time::Duration;

/// Doubles from the first wait up to a limit. Each wait is shortened at random by up to a half.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    next: Duration,
    first: Duration,
    limit: Duration,
    last: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, limit: Duration) -> Self {
        Self { next: first, first, limit, last: limit }
    }

    /// Once the limit was reached, every wait is this long instead.
    pub(crate) const fn then(self, last: Duration) -> Self {
        Self { last, ..self }
    }

    /// How long to wait now.
    pub(crate) fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = if whole < self.limit { (whole * 2).min(self.limit) } else { self.last };
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// It worked: the next wait is the first again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_until_a_reset() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
        for whole in [1, 2, 4, 4] {
            let wait = backoff.wait();
            assert!(wait <= Duration::from_secs(whole) && wait * 2 >= Duration::from_secs(whole), "{wait:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_secs(1));
    }

    #[test]
    fn after_the_limit_every_wait_is_the_last_one() {
        let mut backoff =
            Backoff::new(Duration::from_secs(1), Duration::from_secs(4)).then(Duration::from_mins(1));
        for whole in [1, 2, 4, 60, 60] {
            let wait = backoff.wait();
            assert!(wait <= Duration::from_secs(whole) && wait * 2 >= Duration::from_secs(whole), "{wait:?}");
        }
    }
}
