//! A set of keys that forgets them after a fixed span.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::time::Timestamp;

/// Number of expired entries that each new entry removes: more than it adds, so that an old burst leaves, and few enough
/// that no single call is slow.
const REMOVED_PER_NOTE: usize = 2;

/// Keys with the time they were noted. [`Recent::contains`] compares that time; removing entries only frees memory.
///
/// In a steady stream this holds the keys of one span: message ids of 200 votes a second for ten minutes are 120,000
/// entries of about 200 bytes.
#[derive(Debug)]
pub(super) struct Recent<K> {
    span: Duration,
    noted: HashMap<K, Timestamp>,
    /// The same, oldest first. A key that was noted again is in here twice.
    order: VecDeque<(Timestamp, K)>,
}

impl<K: Clone + Eq + Hash> Recent<K> {
    /// An empty set that remembers each key for `span`.
    pub(super) fn new(span: Duration) -> Self {
        Self { span, noted: HashMap::new(), order: VecDeque::new() }
    }

    /// Whether `key` was noted less than the span ago.
    pub(super) fn contains(&self, key: &K, now: Timestamp) -> bool {
        self.noted.get(key).is_some_and(|at| now.since(*at) < self.span)
    }

    /// Notes `key`; its span starts anew.
    pub(super) fn note(&mut self, key: K, now: Timestamp) {
        for _ in 0..REMOVED_PER_NOTE {
            self.remove_oldest_if_expired(now);
        }
        self.order.push_back((now, key.clone()));
        self.noted.insert(key, now);
    }

    /// Whether every key has expired.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.order.back().is_none_or(|(at, _)| now.since(*at) >= self.span)
    }

    fn remove_oldest_if_expired(&mut self, now: Timestamp) {
        let has_expired = |(at, _): &mut (Timestamp, K)| now.since(*at) >= self.span;
        let Some((at, key)) = self.order.pop_front_if(has_expired) else {
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
    fn an_old_burst_leaves_with_later_entries() {
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
    fn a_steady_stream_holds_only_the_keys_of_one_span() {
        let mut recent = Recent::new(Duration::from_secs(1));
        for step in 0..100_000_i64 {
            recent.note(step % 500, at(step * 10));
            assert!(recent.order.len() <= 101);
        }
    }

    #[test]
    fn it_is_over_when_the_newest_key_has_expired() {
        let mut recent = Recent::new(Duration::from_secs(1));
        assert!(recent.is_over(at(0)));
        recent.note("key", at(0));
        recent.note("other", at(500));
        assert!(!recent.is_over(at(1_499)));
        assert!(recent.is_over(at(1_500)));
    }
}
