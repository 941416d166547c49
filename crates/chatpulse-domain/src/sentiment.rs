//! The value behind the bar: votes push it, time pulls it back to 0, it stays within [−100, 100].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::side::Side;

/// How far one vote pushes the value.
pub const VOTE_STEP: f64 = 10.0;

/// After this long without a vote the value is exactly zero.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// How fast the value decays, per second.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct DecaySpeed(f64);

impl DecaySpeed {
    /// Slowest: the value halves in seven seconds.
    pub const MIN: f64 = 0.1;
    /// Fastest: the value halves in a third of a second.
    pub const MAX: f64 = 2.0;

    /// Accepts [`DecaySpeed::MIN`] to [`DecaySpeed::MAX`], and no `NaN`.
    pub fn new(per_second: f64) -> Result<Self, DecaySpeedOutOfRange> {
        let in_range = (Self::MIN..=Self::MAX).contains(&per_second);
        if in_range { Ok(Self(per_second)) } else { Err(DecaySpeedOutOfRange) }
    }

    /// The rate in e^(−rate × seconds).
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for DecaySpeed {
    type Error = DecaySpeedOutOfRange;

    fn try_from(per_second: f64) -> Result<Self, DecaySpeedOutOfRange> {
        Self::new(per_second)
    }
}

impl From<DecaySpeed> for f64 {
    fn from(speed: DecaySpeed) -> Self {
        speed.0
    }
}

impl Default for DecaySpeed {
    fn default() -> Self {
        Self(0.5)
    }
}

/// Not a number between [`DecaySpeed::MIN`] and [`DecaySpeed::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number from {} to {}", DecaySpeed::MIN, DecaySpeed::MAX)]
pub struct DecaySpeedOutOfRange;

/// A chat's mood at one moment: −100 all against, +100 all for.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Sentiment(f64);

impl Sentiment {
    /// The bar in the middle.
    pub const CENTRE: Self = Self(0.0);
    /// Distance from the centre to either end of the bar.
    pub const LIMIT: f64 = 100.0;

    /// Clamps to the bar; `NaN` becomes the centre.
    pub fn clamped(value: f64) -> Self {
        if value.is_nan() { Self::CENTRE } else { Self(value.clamp(-Self::LIMIT, Self::LIMIT)) }
    }

    /// The number itself, in [−100, 100].
    pub fn value(self) -> f64 {
        self.0
    }

    /// What is left after `elapsed` without votes.
    #[must_use]
    pub fn decayed(self, speed: DecaySpeed, elapsed: Duration) -> Self {
        if elapsed >= FORGOTTEN_AFTER {
            return Self::CENTRE;
        }
        Self(self.0 * (-speed.0 * elapsed.as_secs_f64()).exp())
    }

    /// The value after one more vote for `side`.
    #[must_use]
    pub fn pushed(self, side: Side) -> Self {
        let step = match side {
            Side::For => VOTE_STEP,
            Side::Against => -VOTE_STEP,
        };
        Self::clamped(self.0 + step)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_decay_speed_is_a_number_in_range() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.099, 2.001] {
            assert_eq!(DecaySpeed::new(bad), Err(DecaySpeedOutOfRange), "{bad}");
        }
        assert!(DecaySpeed::new(0.1).is_ok() && DecaySpeed::new(2.0).is_ok());
    }

    #[test]
    fn ten_votes_reach_the_end_and_stay_there() {
        let pushed = (0..12).fold(Sentiment::CENTRE, |sentiment, _| sentiment.pushed(Side::For));
        assert!((pushed.value() - 100.0).abs() < f64::EPSILON);
        let pulled = (0..25).fold(pushed, |sentiment, _| sentiment.pushed(Side::Against));
        assert!((pulled.value() + 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn after_an_hour_nothing_is_left() {
        let slow = DecaySpeed::new(DecaySpeed::MIN).unwrap();
        assert_eq!(Sentiment::clamped(100.0).decayed(slow, FORGOTTEN_AFTER), Sentiment::CENTRE);
    }

    #[test]
    fn what_is_no_number_is_the_centre() {
        assert_eq!(Sentiment::clamped(f64::NAN), Sentiment::CENTRE);
        assert_eq!(Sentiment::clamped(f64::INFINITY), Sentiment::clamped(100.0));
    }

    proptest! {
        #[test]
        fn decay_only_ever_shrinks(value in -100.0_f64..=100.0, speed in 0.1_f64..=2.0, ms in 0_u64..4_000_000, more in 0_u64..4_000_000) {
            let (speed, start) = (DecaySpeed::new(speed).unwrap(), Sentiment::clamped(value));
            let early = start.decayed(speed, Duration::from_millis(ms)).value();
            let late = start.decayed(speed, Duration::from_millis(ms + more)).value();
            prop_assert!(late.abs() <= early.abs() && early.abs() <= value.abs());
            prop_assert!(early * value >= 0.0, "the side never changes");
        }

        #[test]
        fn decay_composes(value in -100.0_f64..=100.0, speed in 0.1_f64..=2.0, first in 0_u64..1_500_000, second in 0_u64..1_500_000) {
            let (speed, start) = (DecaySpeed::new(speed).unwrap(), Sentiment::clamped(value));
            let (first, second) = (Duration::from_millis(first), Duration::from_millis(second));
            let in_steps = start.decayed(speed, first).decayed(speed, second).value();
            let at_once = start.decayed(speed, first + second).value();
            prop_assert!((in_steps - at_once).abs() < 1e-9, "{in_steps} against {at_once}");
        }

        #[test]
        fn a_sentiment_never_leaves_the_bar(pushes in prop::collection::vec(any::<bool>(), 0..200)) {
            let end = pushes.iter().fold(Sentiment::CENTRE, |s, &up| s.pushed(if up { Side::For } else { Side::Against }));
            prop_assert!(end.value().abs() <= Sentiment::LIMIT);
        }
    }

    #[test]
    fn something_is_left_until_the_hour_is_over() {
        let slow = DecaySpeed::new(DecaySpeed::MIN).unwrap();
        let just_before = FORGOTTEN_AFTER.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(Sentiment::clamped(100.0).decayed(slow, just_before).value() > 0.0);
        let second = Duration::from_secs(1);
        let left = Sentiment::clamped(-50.0).decayed(DecaySpeed::default(), second).value();
        assert!((left + 50.0 * (-0.5_f64).exp()).abs() < 1e-9);
    }
}
