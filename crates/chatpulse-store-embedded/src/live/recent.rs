//! What happened within a span of time, and forgets by itself what is older.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use chatpulse_domain::time::Timestamp;

/// Old entries dropped for each new one: more than come in, so an old burst melts away, and few enough that no
/// caller pays for it at once.
const DROPPED_PER_NOTE: usize = 2;

/// Keys with the time they were noted. Answers go by that time; dropping old entries only frees memory.
///
/// In a steady stream it holds what was noted within the span: message ids of 200 votes a second for ten minutes
/// are 120 000 entries of about 200 bytes. After a burst, its old entries leave two by two with each new one.
#[derive(Debug)]
pub(super) struct Recent<K> {
    span: Duration,
    noted: HashMap<K, Timestamp>,
    /// The same, oldest first. A key noted again is in here twice.
    order: VecDeque<(Timestamp, K)>,
}

impl<K: Clone + Eq + Hash> Recent<K> {
    /// Remembers for so long.
    pub(super) fn new(span: Duration) -> Self {
        Self { span, noted: HashMap::new(), order: VecDeque::new() }
    }

    /// Noted less than the span ago.
    pub(super) fn contains(&self, key: &K, now: Timestamp) -> bool {
        self.noted.get(key).is_some_and(|at| now.since(*at) < self.span)
    }

    /// Notes it as of now.
    pub(super) fn note(&mut self, key: K, now: Timestamp) {
        for _ in 0..DROPPED_PER_NOTE {
            self.drop_oldest_if_over(now);
        }
        self.order.push_back((now, key.clone()));
        self.noted.insert(key, now);
    }

    fn drop_oldest_if_over(&mut self, now: Timestamp) {
        let is_over = |(at, _): &mut (Timestamp, K)| now.since(*at) >= self.span;
        let Some((at, key)) = self.order.pop_front_if(is_over) else {
            return;
        };
        if self.noted.get(&key) == Some(&at) {
            self.noted.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    #[test]
    fn a_key_is_recent_for_less_than_the_span() {
        let mut recent = Recent::new(Duration::from_secs(1));
        recent.note("key", at(0));
        assert!(recent.contains(&"key", at(999)));
        assert!(!recent.contains(&"key", at(1_000)));
        assert!(!recent.contains(&"other", at(0)));
    }

    #[test]
    fn a_key_noted_again_counts_from_the_last_time() {
        let mut recent = Recent::new(Duration::from_secs(1));
        recent.note("key", at(0));
        recent.note("key", at(1_000));
        recent.note("other", at(1_500));
        assert!(recent.contains(&"key", at(1_999)));
    }

    #[test]
    fn an_old_burst_melts_away_under_later_entries() {
        let mut recent = Recent::new(Duration::from_secs(1));
        for key in 0..1_000 {
            recent.note(key, at(0));
        }
        for key in 1_000..2_000 {
            recent.note(key, at(i64::from(key) * 1_000));
        }
        assert!(recent.noted.len() <= 2, "{} are left", recent.noted.len());
        assert!(recent.order.len() <= 2, "{} are left", recent.order.len());
    }

    #[test]
    fn a_steady_stream_holds_no_more_than_its_span() {
        let mut recent = Recent::new(Duration::from_secs(1));
        for step in 0..100_000_i64 {
            recent.note(step % 500, at(step * 10));
            assert!(recent.order.len() <= 101);
        }
    }
}
