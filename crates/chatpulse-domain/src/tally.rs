//! What share of a chat is for and against: votes counted over a window, at a cost that does not grow with them.
//!
//! The window is cut into [`BUCKETS`] equal parts; a vote is counted in its part and leaves with it. Parts that have
//! passed are taken off the totals when the next vote comes, so a vote costs the same whatever came before it. Where each
//! viewer counts once, their last vote is remembered and taken back by their next one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::ids::ChatterId;
use crate::sentiment::Sentiment;
use crate::time::Timestamp;
use crate::vote::Side;

/// Into so many parts a window is cut; a vote stays for between 59 and 60 of them.
pub const BUCKETS: i64 = 60;

/// A tally without an end is kept for so long after its last vote, and who voted for so long after theirs.
pub const UNENDED_KEPT: Duration = Duration::from_hours(24);

/// How far back votes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// So many seconds.
    Last(WindowSecs),
    /// All since the streamer reset the bar.
    UntilReset,
}

impl Default for Window {
    fn default() -> Self {
        Self::Last(WindowSecs::default())
    }
}

/// Seconds that a window may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowSecs(u8);

impl Default for WindowSecs {
    fn default() -> Self {
        Self(30)
    }
}

impl WindowSecs {
    /// Shortest.
    pub const MIN: u8 = 5;
    /// Longest.
    pub const MAX: u8 = 120;

    /// Takes a number in range.
    pub fn new(secs: u8) -> Result<Self, WindowOutOfRange> {
        if (Self::MIN..=Self::MAX).contains(&secs) { Ok(Self(secs)) } else { Err(WindowOutOfRange) }
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Not a whole number between [`WindowSecs::MIN`] and [`WindowSecs::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a whole number from {} to {}", WindowSecs::MIN, WindowSecs::MAX)]
pub struct WindowOutOfRange;

impl Window {
    /// How long one part is; 0: there is one, which does not end.
    pub fn bucket_ms(self) -> u32 {
        match self {
            Self::Last(secs) => u32::from(secs.0) * 1_000 / 60,
            Self::UntilReset => 0,
        }
    }
}

/// Votes in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tallied {
    /// To the right.
    pub in_favor: u64,
    /// To the left.
    pub against: u64,
}

impl Tallied {
    /// Both sides.
    pub fn total(self) -> u64 {
        self.in_favor + self.against
    }

    /// −100 all against, +100 all for, 0 where nobody voted.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn sentiment(self) -> Sentiment {
        match self.total() {
            0 => Sentiment::CENTRE,
            total => Sentiment::clamped(100.0 * (self.in_favor as f64 - self.against as f64) / total as f64),
        }
    }

    fn of(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::For => &mut self.in_favor,
            Side::Against => &mut self.against,
        }
    }
}

/// One session's count.
#[derive(Debug, Clone)]
pub struct Tally {
    bucket_ms: u32,
    /// The newest part, counted from the beginning of time.
    newest: i64,
    total: Tallied,
    buckets: Vec<Tallied>,
    /// Where each viewer's vote is.
    latest: HashMap<ChatterId, Latest>,
    /// The same, oldest first; a viewer who voted again is in here twice.
    order: VecDeque<(i64, ChatterId)>,
    last_vote_at: Timestamp,
}

/// A viewer's vote that still counts.
#[derive(Debug, Clone, Copy)]
struct Latest {
    index: i64,
    side: Side,
    at: Timestamp,
}

impl Tally {
    /// Nobody has voted.
    pub fn new(window: Window, now: Timestamp) -> Self {
        let buckets = vec![Tallied::default(); usize::try_from(BUCKETS).unwrap_or(0)];
        let mut tally = Self {
            bucket_ms: window.bucket_ms(),
            newest: 0,
            total: Tallied::default(),
            buckets,
            latest: HashMap::new(),
            order: VecDeque::new(),
            last_vote_at: now,
        };
        tally.newest = tally.index(now);
        tally
    }

    /// Counts over this window.
    pub fn is_over(&self, window: Window) -> bool {
        self.bucket_ms == window.bucket_ms()
    }

    /// Counts a vote. With a chatter, it replaces what they voted before in this window.
    pub fn count(&mut self, chatter: Option<&ChatterId>, side: Side, now: Timestamp) -> Tallied {
        self.advance(now);
        if let Some(chatter) = chatter {
            let latest = Latest { index: self.newest, side, at: now };
            if let Some(before) = self.latest.insert(chatter.clone(), latest)
                && self.still_counts(before, now)
            {
                self.add(before.index, before.side, -1);
            }
            // Of a count without an end nobody is forgotten until all of it is.
            if self.bucket_ms > 0 {
                self.order.push_back((self.newest, chatter.clone()));
                self.forget_two();
            }
        }
        self.add(self.newest, side, 1);
        self.last_vote_at = now;
        self.total
    }

    /// What counts now.
    pub fn tallied(&self, now: Timestamp) -> Tallied {
        if self.is_forgotten(now) {
            return Tallied::default();
        }
        let index = self.index(now);
        let mut total = self.total;
        for passed in self.passed(index) {
            let bucket = self.buckets[slot(passed)];
            total.in_favor -= bucket.in_favor;
            total.against -= bucket.against;
        }
        total
    }

    /// Nothing in it counts any more, and nothing will.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        match self.bucket_ms {
            0 => self.is_forgotten(now),
            _ => self.tallied(now).total() == 0,
        }
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        self.bucket_ms == 0 && now.since(self.last_vote_at) >= UNENDED_KEPT
    }

    fn index(&self, now: Timestamp) -> i64 {
        match self.bucket_ms {
            0 => 0,
            // A clock that went back counts as no time.
            bucket_ms => now.unix_ms.div_euclid(i64::from(bucket_ms)).max(self.newest),
        }
    }

    fn still_counts(&self, vote: Latest, now: Timestamp) -> bool {
        vote.index > self.newest - BUCKETS && (self.bucket_ms > 0 || now.since(vote.at) < UNENDED_KEPT)
    }

    /// Parts to be emptied on the way there, each once.
    fn passed(&self, index: i64) -> std::ops::RangeInclusive<i64> {
        (self.newest + 1).max(index - BUCKETS + 1)..=index
    }

    fn advance(&mut self, now: Timestamp) {
        if self.is_forgotten(now) {
            self.buckets[0] = Tallied::default();
            self.latest.clear();
            self.order.clear();
        }
        let index = self.index(now);
        self.total = self.tallied(now);
        for passed in self.passed(index) {
            self.buckets[slot(passed)] = Tallied::default();
        }
        self.newest = index;
    }

    fn add(&mut self, index: i64, side: Side, count: i64) {
        for tallied in [&mut self.total, &mut self.buckets[slot(index)]] {
            let of_side = tallied.of(side);
            *of_side = of_side.saturating_add_signed(count);
        }
    }

    /// More than come in, so what passed melts away, and few enough that no vote pays for it all.
    fn forget_two(&mut self) {
        for _ in 0..2 {
            let newest = self.newest;
            let Some((index, chatter)) = self.order.pop_front_if(|(index, _)| *index <= newest - BUCKETS)
            else {
                return;
            };
            if self.latest.get(&chatter).is_some_and(|latest| latest.index == index) {
                self.latest.remove(&chatter);
            }
        }
    }
}

fn slot(index: i64) -> usize {
    usize::try_from(index.rem_euclid(BUCKETS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    fn last(secs: u8) -> Window {
        Window::Last(WindowSecs::new(secs).unwrap())
    }

    fn chatter(number: u8) -> ChatterId {
        ChatterId::new(&format!("chatter-{number}")).unwrap()
    }

    #[test]
    fn a_window_is_a_number_in_range() {
        for bad in [0, 4, 121, 255] {
            assert_eq!(WindowSecs::new(bad), Err(WindowOutOfRange), "{bad}");
        }
        assert!(WindowSecs::new(5).is_ok() && WindowSecs::new(120).is_ok());
    }

    #[test]
    fn a_share_is_the_middle_where_nobody_voted_and_the_end_where_all_agree() {
        let share = |in_favor, against| Tallied { in_favor, against }.sentiment().value();
        assert!(share(0, 0).abs() < f64::EPSILON);
        assert!((share(3, 0) - 100.0).abs() < f64::EPSILON);
        assert!((share(0, 1) + 100.0).abs() < f64::EPSILON);
        assert!((share(70, 30) - 40.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_counted_until_a_reset_stays() {
        let mut tally = Tally::new(Window::UntilReset, at(0));
        tally.count(None, Side::For, at(0));
        tally.count(None, Side::Against, at(86_000_000));
        assert_eq!(tally.tallied(at(86_000_000)), Tallied { in_favor: 1, against: 1 });
        assert!(!tally.has_ended(at(86_000_000 + 86_399_999)));
        assert!(tally.has_ended(at(86_000_000 + 86_400_000)));
    }

    /// Every vote, as it was cast: the rule without its economy.
    #[derive(Default)]
    struct Naive(Vec<(i64, Option<u8>, Side)>);

    impl Naive {
        fn tallied(&self, bucket_ms: i64, now_ms: i64) -> Tallied {
            let mut tallied = Tallied::default();
            for (place, (at, chatter, side)) in self.0.iter().enumerate() {
                let is_in = at / bucket_ms > now_ms / bucket_ms - BUCKETS;
                let later = self.0[place + 1..].iter();
                let replaced = chatter.is_some() && later.into_iter().any(|(_, other, _)| other == chatter);
                if is_in && !replaced {
                    *tallied.of(*side) += 1;
                }
            }
            tallied
        }
    }

    proptest! {
        #[test]
        fn a_tally_counts_what_a_list_of_all_votes_says(
            secs in 5_u8..=120,
            votes in prop::collection::vec((0_i64..20_000, prop::option::of(0_u8..6), any::<bool>()), 1..120),
            wait in 0_i64..200_000,
        ) {
            let bucket_ms = i64::from(last(secs).bucket_ms());
            let mut tally = Tally::new(last(secs), at(0));
            let (mut naive, mut now) = (Naive::default(), 0);
            for (step, who, yes) in votes {
                now += step;
                let side = if yes { Side::For } else { Side::Against };
                let counted = tally.count(who.map(chatter).as_ref(), side, at(now));
                naive.0.push((now, who, side));
                prop_assert_eq!(counted, naive.tallied(bucket_ms, now));
            }
            prop_assert_eq!(tally.tallied(at(now + wait)), naive.tallied(bucket_ms, now + wait));
        }
    }

    #[test]
    fn viewers_who_left_are_forgotten() {
        let mut tally = Tally::new(last(5), at(0));
        for second in 0_i64..2_000 {
            let chatter = ChatterId::new(&format!("chatter-{second}")).unwrap();
            tally.count(Some(&chatter), Side::For, at(second * 1_000));
        }
        assert!(tally.latest.len() < 10 && tally.order.len() < 10, "{}", tally.latest.len());
    }
}
