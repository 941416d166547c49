//! The mood of a crowd: how likely the next vote is one in favor.
//!
//! Strong moods for and against take turns every ten seconds or so, sometimes with a divided
//! crowd in between. The mood drifts rather than jumps.

use rand::{Rng, RngExt};

/// Seconds in which the mood comes two thirds of the way to where it is going.
const INERTIA_SECS: f64 = 1.2;

#[derive(Debug)]
pub(crate) struct Mood {
    favor: f64,
    /// Where the mood is going.
    target: f64,
    /// Seconds until it turns.
    turns_in: f64,
    /// Whether the latest strong mood was in favor.
    was_in_favor: bool,
}

impl Mood {
    /// Undecided, and about to make up its mind.
    pub(crate) fn new(rng: &mut impl Rng) -> Self {
        Self { favor: 0.5, target: 0.5, turns_in: 0.0, was_in_favor: rng.random() }
    }

    /// Lets time pass. The share of votes in favor then, between 0 and 1.
    pub(crate) fn after(&mut self, secs: f64, rng: &mut impl Rng) -> f64 {
        self.turns_in -= secs;
        if self.turns_in <= 0.0 {
            self.turn(rng);
        }
        let approach = 1.0 - (-secs / INERTIA_SECS).exp();
        self.favor += (self.target - self.favor) * approach + rng.random_range(-0.02..0.02);
        self.favor = self.favor.clamp(0.02, 0.98);
        self.favor
    }

    fn turn(&mut self, rng: &mut impl Rng) {
        let is_strong = (self.target - 0.5).abs() > 0.2;
        if is_strong && rng.random_bool(0.25) {
            self.target = rng.random_range(0.42..0.58);
            self.turns_in = rng.random_range(2.0..3.0);
            return;
        }
        self.was_in_favor = !self.was_in_favor;
        let strength = rng.random_range(0.93..0.98);
        self.target = if self.was_in_favor { strength } else { 1.0 - strength };
        self.turns_in = rng.random_range(8.5..11.0);
    }
}
