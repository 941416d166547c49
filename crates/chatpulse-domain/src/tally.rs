//! Votes for and against, counted over a window. A vote costs the same however many are in the window.
//!
//! The window is divided into [`BUCKETS`] equal buckets. A vote is counted in the current bucket and expires with it;
//! the next vote subtracts the expired buckets from the totals. Where each viewer counts once, their latest vote is
//! remembered, and their next vote replaces it. ADR 8 says why.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::ids::ChatterId;
use crate::sentiment::Sentiment;
use crate::side::Side;
use crate::time::Timestamp;
use crate::window::{BUCKETS, Window};

/// How long a tally of [`Window::UntilReset`] is kept after its last vote, and in it a chatter's vote after it was cast.
pub const UNTIL_RESET_TTL: Duration = Duration::from_hours(24);

/// Number of entries that each vote may expire from the list of latest votes: more than one vote adds, so that an old
/// burst leaves, and few enough that no single vote is slow.
const EXPIRED_PER_VOTE: usize = 2;

/// Votes in a window, by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TallyReading {
    /// Votes for.
    pub in_favor: u64,
    /// Votes against.
    pub against: u64,
}

impl TallyReading {
    /// Votes of both sides.
    pub fn total(self) -> u64 {
        self.in_favor + self.against
    }

    /// The share as a position of the bar: −100 all against, +100 all for, 0 without votes.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn sentiment(self) -> Sentiment {
        match self.total() {
            0 => Sentiment::CENTRE,
            total => Sentiment::clamped(100.0 * (self.in_favor as f64 - self.against as f64) / total as f64),
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::For => &mut self.in_favor,
            Side::Against => &mut self.against,
        }
    }
}

/// The votes of one session, counted over a window.
#[derive(Debug, Clone)]
pub struct WindowedTally {
    /// Length of a bucket; 0 for [`Window::UntilReset`].
    bucket_ms: u32,
    /// Number of the newest bucket, counted from Unix time 0. Bucket `n` is kept at `n` modulo [`BUCKETS`].
    newest: i64,
    total: TallyReading,
    buckets: [TallyReading; BUCKETS as usize],
    /// Each chatter's latest vote, where each viewer counts once.
    latest: HashMap<ChatterId, LatestVote>,
    /// The same by bucket, oldest first. A chatter who voted again is in here twice. Empty for [`Window::UntilReset`].
    expiry: VecDeque<(i64, ChatterId)>,
    last_vote_at: Timestamp,
}

/// A chatter's latest vote.
#[derive(Debug, Clone, Copy)]
struct LatestVote {
    bucket: i64,
    side: Side,
    at: Timestamp,
}

impl WindowedTally {
    /// A tally without votes.
    pub fn new(window: Window, now: Timestamp) -> Self {
        let mut tally = Self {
            bucket_ms: window.bucket_ms(),
            newest: i64::MIN,
            total: TallyReading::default(),
            buckets: [TallyReading::default(); BUCKETS as usize],
            latest: HashMap::new(),
            expiry: VecDeque::new(),
            last_vote_at: now,
        };
        tally.newest = tally.bucket_at(now);
        tally
    }

    /// Whether this tally counts over `window`.
    pub fn is_over(&self, window: Window) -> bool {
        self.bucket_ms == window.bucket_ms()
    }

    /// Counts a vote. With a chatter, it replaces that chatter's earlier vote in the window.
    pub fn count(&mut self, chatter: Option<&ChatterId>, side: Side, now: Timestamp) -> TallyReading {
        self.advance(now);
        if let Some(chatter) = chatter {
            self.replace_latest(chatter, side, now);
        }
        self.add(self.newest, side, 1);
        self.last_vote_at = now;
        self.total
    }

    /// The votes that count now.
    pub fn read(&self, now: Timestamp) -> TallyReading {
        if self.is_past_ttl(now) {
            return TallyReading::default();
        }
        let mut total = self.total;
        for expired in self.expired_buckets(self.bucket_at(now)) {
            let bucket = self.buckets[slot(expired)];
            total.in_favor -= bucket.in_favor;
            total.against -= bucket.against;
        }
        total
    }

    /// Whether nothing in this tally counts any more, so that it can be dropped.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.read(now).total() == 0
    }

    fn is_past_ttl(&self, now: Timestamp) -> bool {
        self.bucket_ms == 0 && now.since(self.last_vote_at) >= UNTIL_RESET_TTL
    }

    /// Number of the bucket that `now` is in. A clock that went back stays in the newest bucket.
    fn bucket_at(&self, now: Timestamp) -> i64 {
        match self.bucket_ms {
            0 => 0,
            bucket_ms => now.unix_ms.div_euclid(i64::from(bucket_ms)).max(self.newest),
        }
    }

    /// The buckets whose slots are reused when the tally advances to `bucket`, each once.
    fn expired_buckets(&self, bucket: i64) -> RangeInclusive<i64> {
        (self.newest + 1).max(bucket - i64::from(BUCKETS) + 1)..=bucket
    }

    fn advance(&mut self, now: Timestamp) {
        if self.is_past_ttl(now) {
            self.buckets[0] = TallyReading::default();
            self.latest.clear();
        }
        let bucket = self.bucket_at(now);
        self.total = self.read(now);
        for expired in self.expired_buckets(bucket) {
            self.buckets[slot(expired)] = TallyReading::default();
        }
        self.newest = bucket;
    }

    fn replace_latest(&mut self, chatter: &ChatterId, side: Side, now: Timestamp) {
        let vote = LatestVote { bucket: self.newest, side, at: now };
        let earlier = self.latest.insert(chatter.clone(), vote);
        if let Some(earlier) = earlier.filter(|earlier| self.still_counts(*earlier, now)) {
            self.add(earlier.bucket, earlier.side, -1);
        }
        // A tally until reset drops all its chatters at once, when it ends.
        if self.bucket_ms > 0 {
            self.expiry.push_back((self.newest, chatter.clone()));
            self.expire_latest();
        }
    }

    fn still_counts(&self, vote: LatestVote, now: Timestamp) -> bool {
        match self.bucket_ms {
            0 => now.since(vote.at) < UNTIL_RESET_TTL,
            _ => vote.bucket > self.newest - i64::from(BUCKETS),
        }
    }

    fn add(&mut self, bucket: i64, side: Side, count: i64) {
        for reading in [&mut self.total, &mut self.buckets[slot(bucket)]] {
            let votes = reading.side_mut(side);
            *votes = votes.saturating_add_signed(count);
        }
    }

    fn expire_latest(&mut self) {
        let newest_expired = self.newest - i64::from(BUCKETS);
        for _ in 0..EXPIRED_PER_VOTE {
            let Some((bucket, chatter)) = self.expiry.pop_front_if(|(bucket, _)| *bucket <= newest_expired)
            else {
                return;
            };
            if self.latest.get(&chatter).is_some_and(|latest| latest.bucket == bucket) {
                self.latest.remove(&chatter);
            }
        }
    }
}

fn slot(bucket: i64) -> usize {
    usize::try_from(bucket.rem_euclid(i64::from(BUCKETS))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::Platform;
    use crate::window::WindowSecs;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    fn last(secs: u8) -> Window {
        Window::Last(WindowSecs::new(secs).unwrap())
    }

    fn chatter(number: u8) -> ChatterId {
        ChatterId::new(Platform::Twitch, &format!("chatter-{number}")).unwrap()
    }

    #[test]
    fn a_share_is_the_middle_where_nobody_voted_and_the_end_where_all_agree() {
        let share = |in_favor, against| TallyReading { in_favor, against }.sentiment().value();
        assert!(share(0, 0).abs() < f64::EPSILON);
        assert!((share(3, 0) - 100.0).abs() < f64::EPSILON);
        assert!((share(0, 1) + 100.0).abs() < f64::EPSILON);
        assert!((share(70, 30) - 40.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_counted_until_a_reset_stays() {
        let mut tally = WindowedTally::new(Window::UntilReset, at(0));
        tally.count(None, Side::For, at(0));
        tally.count(None, Side::Against, at(86_000_000));
        assert_eq!(tally.read(at(86_000_000)), TallyReading { in_favor: 1, against: 1 });
        assert!(!tally.has_ended(at(86_000_000 + 86_399_999)));
        assert!(tally.has_ended(at(86_000_000 + 86_400_000)));
    }

    /// Every vote, as it was cast: the rule without its economy.
    #[derive(Default)]
    struct Naive(Vec<(i64, Option<u8>, Side)>);

    impl Naive {
        fn tallied(&self, bucket_ms: i64, now_ms: i64) -> TallyReading {
            let mut tallied = TallyReading::default();
            for (place, (at, chatter, side)) in self.0.iter().enumerate() {
                let is_in = at / bucket_ms > now_ms / bucket_ms - i64::from(BUCKETS);
                let later = self.0[place + 1..].iter();
                let replaced = chatter.is_some() && later.into_iter().any(|(_, other, _)| other == chatter);
                if is_in && !replaced {
                    *tallied.side_mut(*side) += 1;
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
            let mut tally = WindowedTally::new(last(secs), at(0));
            let (mut naive, mut now) = (Naive::default(), 0);
            for (step, who, yes) in votes {
                now += step;
                let side = if yes { Side::For } else { Side::Against };
                let counted = tally.count(who.map(chatter).as_ref(), side, at(now));
                naive.0.push((now, who, side));
                prop_assert_eq!(counted, naive.tallied(bucket_ms, now));
            }
            prop_assert_eq!(tally.read(at(now + wait)), naive.tallied(bucket_ms, now + wait));
        }
    }

    #[test]
    fn viewers_who_left_are_forgotten() {
        let mut tally = WindowedTally::new(last(5), at(0));
        for second in 0_i64..2_000 {
            let chatter = ChatterId::new(Platform::Twitch, &format!("chatter-{second}")).unwrap();
            tally.count(Some(&chatter), Side::For, at(second * 1_000));
        }
        assert!(tally.latest.len() < 10 && tally.expiry.len() < 10, "{}", tally.latest.len());
    }

    #[test]
    fn a_tally_ends_with_its_last_bucket() {
        let mut tally = WindowedTally::new(last(30), at(0));
        assert!(tally.has_ended(at(0)));
        tally.count(None, Side::For, at(0));
        assert!(!tally.has_ended(at(29_999)));
        assert!(tally.has_ended(at(30_000)));
    }

    #[test]
    fn a_tally_until_reset_starts_again_after_its_ttl() {
        let (mut tally, ann) = (WindowedTally::new(Window::UntilReset, at(0)), chatter(1));
        tally.count(Some(&ann), Side::For, at(0));
        let day = i64::try_from(UNTIL_RESET_TTL.as_millis()).unwrap();
        assert_eq!(tally.count(Some(&ann), Side::Against, at(day)), TallyReading { in_favor: 0, against: 1 });
        assert!(tally.expiry.is_empty(), "all its chatters are dropped at once");
    }

    #[test]
    fn until_reset_a_vote_replaces_one_of_the_last_day() {
        let day = i64::try_from(UNTIL_RESET_TTL.as_millis()).unwrap();
        for (again_at, in_favor) in [(day - 1, 1), (day, 2)] {
            let mut tally = WindowedTally::new(Window::UntilReset, at(0));
            tally.count(Some(&chatter(1)), Side::For, at(0));
            tally.count(Some(&chatter(2)), Side::For, at(day / 2));
            let counted = tally.count(Some(&chatter(1)), Side::Against, at(again_at));
            assert_eq!(counted, TallyReading { in_favor, against: 1 }, "{again_at}");
        }
    }

    /// The expired bucket and the newest have one slot.
    #[test]
    fn a_vote_of_an_expired_bucket_is_not_replaced() {
        let mut tally = WindowedTally::new(last(30), at(0));
        tally.count(Some(&chatter(1)), Side::For, at(0));
        tally.count(Some(&chatter(2)), Side::For, at(30_000));
        assert_eq!(tally.latest.len(), 1, "the first chatter was dropped");
        let counted = tally.count(Some(&chatter(1)), Side::For, at(30_000));
        assert_eq!(counted, TallyReading { in_favor: 2, against: 0 });
    }

    #[test]
    fn a_vote_of_the_oldest_bucket_is_replaced() {
        let mut tally = WindowedTally::new(last(30), at(0));
        tally.count(Some(&chatter(1)), Side::For, at(499));
        let counted = tally.count(Some(&chatter(1)), Side::Against, at(29_999));
        assert_eq!(counted, TallyReading { in_favor: 0, against: 1 });
    }
}
