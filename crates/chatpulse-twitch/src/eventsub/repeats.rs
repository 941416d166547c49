//! Which messages were delivered before. Twitch delivers at least once; the vote store recognises a repeated chat
//! message by its own id, everything else is recognised here.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chatpulse_domain::time::Timestamp;

/// A message may be dated ten minutes ahead and stays fresh for ten more; after that it is stale anyway.
const KEPT_FOR: Duration = Duration::from_mins(20);

/// Revocations and notifications are a few a day for each streamer: those of a whole fleet at once still fit.
const KEPT_MAX: usize = 16_384;

/// Transport ids of the last twenty minutes.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    ids: HashSet<Box<str>>,
    by_age: VecDeque<(Timestamp, Box<str>)>,
}

impl Repeats {
    /// Whether this id was delivered before. From now on it was.
    pub(crate) fn has_seen(&self, id: &str, now: Timestamp) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget(now);
        if !known.ids.insert(id.into()) {
            return true;
        }
        known.by_age.push_back((now, id.into()));
        false
    }
}

impl Known {
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.by_age.front()
            && (now.since(*at) >= KEPT_FOR || self.by_age.len() >= KEPT_MAX)
        {
            self.ids.remove(id);
            self.by_age.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_new_once_and_forgotten_when_it_is_stale() {
        let (repeats, start) = (Repeats::default(), Timestamp::from_unix_ms(0));
        assert!(!repeats.has_seen("a", start));
        assert!(repeats.has_seen("a", start));
        assert!(!repeats.has_seen("b", start));
        assert!(!repeats.has_seen("a", start.plus(KEPT_FOR)));
        assert_eq!(repeats.known.lock().unwrap().ids.len(), 1);
    }

    #[test]
    fn a_flood_does_not_fill_memory() {
        let (repeats, now) = (Repeats::default(), Timestamp::from_unix_ms(0));
        for number in 0..3 * KEPT_MAX {
            repeats.has_seen(&number.to_string(), now);
        }
        let known = repeats.known.lock().unwrap();
        assert_eq!((known.ids.len(), known.by_age.len()), (KEPT_MAX, KEPT_MAX));
    }
}
