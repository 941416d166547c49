//! Our clock, and how far it is from Twitch's: every answer of Twitch and every message has Twitch's time.
//!
//! A message may arrive late, because Twitch sends it again after a failure, and then our clock looks ahead. So of the
//! times seen within a minute the one that is nearest to ours counts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatpulse_domain::clock_offset::ClockOffset;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::time::Timestamp;
use reqwest::header::{DATE, HeaderMap};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio::time::Instant;
use tracing::warn;

/// How long a nearer time hides those that are further off.
const NEAREST_FOR: Duration = Duration::from_mins(1);
/// How often the log says that the clock is wrong.
const WARN_EVERY: Duration = Duration::from_hours(1);

/// The date of HTTP answers. Source: RFC 9110, 5.6.7.
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Our clock beside Twitch's. Clones share what was seen.
#[derive(Clone)]
pub struct TwitchClock {
    ours: Arc<dyn Clock>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    nearest: Option<(ClockOffset, Instant)>,
    warned_at: Option<Instant>,
}

impl TwitchClock {
    /// Nothing was seen yet.
    pub fn new(ours: Arc<dyn Clock>) -> Self {
        Self { ours, seen: Arc::default() }
    }

    /// How far our clock was from Twitch's lately; `None` before the first answer.
    pub fn offset(&self) -> Option<ClockOffset> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.nearest.map(|(offset, _)| offset)
    }

    /// The time by our clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.ours.now()
    }

    /// Compares our clock with the date of an answer that has just arrived.
    pub(crate) fn saw_answer(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| PrimitiveDateTime::parse(text, HTTP_DATE).ok());
        if let Some(date) = date {
            let unix_ms = date.assume_utc().unix_timestamp().saturating_mul(1_000);
            self.saw(Timestamp::from_unix_ms(unix_ms));
        }
    }

    /// Compares our clock with the time of a message that has just arrived.
    pub(crate) fn saw(&self, theirs: Timestamp) {
        let (offset, now) = (ClockOffset::between(self.now(), theirs), Instant::now());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_hidden = seen
            .nearest
            .is_some_and(|(nearest, at)| nearest.size() < offset.size() && now - at < NEAREST_FOR);
        if is_hidden {
            return;
        }
        seen.nearest = Some((offset, now));
        if offset.is_far_off() && seen.warned_at.is_none_or(|at| now - at >= WARN_EVERY) {
            seen.warned_at = Some(now);
            warn!(
                "the clock of this machine is {offset} Twitch's: votes count only within ten minutes; set the clock, \
                 and let it follow a time server"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_testkit::clock::TestClock;
    use tokio::time::advance;

    use super::*;

    const NOON_MS: i64 = 784_123_200_000;

    fn clock() -> TwitchClock {
        TwitchClock::new(Arc::new(TestClock::at(NOON_MS)))
    }

    fn minutes(clock: &TwitchClock) -> i64 {
        clock.offset().unwrap().ahead_ms / 60_000
    }

    #[test]
    fn the_date_of_an_answer_is_compared() {
        let clock = clock();
        let mut headers = HeaderMap::new();
        clock.saw_answer(&headers);
        headers.insert(DATE, "yesterday".parse().unwrap());
        clock.saw_answer(&headers);
        assert_eq!(clock.offset(), None);
        // 1994-11-06, a Sunday: 20 minutes after noon.
        headers.insert(DATE, "Sun, 06 Nov 1994 12:20:00 GMT".parse().unwrap());
        clock.saw_answer(&headers);
        assert_eq!(minutes(&clock), -20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_comes_late_does_not_make_our_clock_wrong() {
        let (clock, sent) = (clock(), |minutes: i64| Timestamp::from_unix_ms(NOON_MS - minutes * 60_000));
        clock.saw(sent(0));
        clock.saw(sent(30));
        assert_eq!(minutes(&clock), 0);
        advance(NEAREST_FOR).await;
        clock.saw(sent(30));
        assert_eq!(minutes(&clock), 30, "nothing nearer came for a minute");
        clock.saw(sent(0));
        assert_eq!(minutes(&clock), 0, "and the clock is right at once when it was set");
    }
}
