//! The mood of a crowd: the probability that the next vote is in favor.
//!
//! Strong moods for and against alternate about every ten seconds, sometimes with a divided mood between them. The mood
//! changes gradually.

use rand::{Rng, RngExt};

/// Time constant in seconds: the mood covers two thirds of the distance to its target in this time.
const INERTIA_SECS: f64 = 1.2;

#[derive(Debug)]
pub(crate) struct Mood {
    favor: f64,
    /// The mood that this one approaches.
    target: f64,
    /// Seconds until the target changes.
    turns_in: f64,
    /// Whether the latest strong mood was in favor.
    was_in_favor: bool,
}

impl Mood {
    /// Starts undecided; the target changes soon.
    pub(crate) fn new(rng: &mut impl Rng) -> Self {
        Self { favor: 0.5, target: 0.5, turns_in: 0.0, was_in_favor: rng.random() }
    }

    /// Advances the mood by `secs`. Returns the probability of a vote in favor, between 0 and 1.
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
