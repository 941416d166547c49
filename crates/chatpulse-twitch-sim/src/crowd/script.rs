//! The messages of a crowd, as an infinite iterator without clock or I/O.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::crowd::mood::Mood;
use crate::crowd::{CrowdConfig, MEMORY, phrase};
use crate::ids::stable_hash;

/// Probability that a normal message starts a burst of reactions.
const BURST_CHANCE: f64 = 0.012;
/// Number of messages in a burst.
const BURST_LINES: std::ops::Range<u32> = 8..20;
/// Factor by which the message rate rises in a burst.
const BURST_HASTE: f64 = 6.0;
/// Share of messages that belong to bursts; it follows from [`BURST_CHANCE`] and [`BURST_LINES`].
const BURST_SHARE: f64 = 0.14;

/// Probability that a message is a vote: normally, and in a burst.
const VOTE_CHANCE: (f64, f64) = (0.76, 0.36);
/// Probability that a vote uses the first pair of words.
const FIRST_PAIR_CHANCE: f64 = 0.86;

/// The infinite sequence of turns of one crowd.
#[derive(Debug)]
pub struct Script {
    rng: ChaCha12Rng,
    mood: Mood,
    words: Vec<(String, String)>,
    lines_per_second: f64,
    /// The latest text of each chatter.
    latest: Vec<String>,
    latest_chatter: usize,
    burst_lines_left: u32,
    lines: usize,
}

impl Script {
    /// Creates the script of this crowd.
    pub fn new(config: &CrowdConfig) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(config.seed);
        let mood = Mood::new(&mut rng);
        let asked = config.messages_per_second;
        let lines_per_second = if asked.is_finite() { asked.clamp(0.01, 100_000.0) } else { 1.0 };
        let latest = vec![String::new(); config.chatters.max(1)];
        let words = config.words.clone();
        Self { rng, mood, words, lines_per_second, latest, latest_chatter: 0, burst_lines_left: 0, lines: 0 }
    }

    fn pause(&mut self, in_burst: bool) -> f64 {
        let mean = if in_burst {
            1.0 / (self.lines_per_second * BURST_HASTE)
        } else {
            // Normal delays are slightly longer than configured, because bursts shorten the average.
            (1.0 - BURST_SHARE / BURST_HASTE) / (1.0 - BURST_SHARE) / self.lines_per_second
        };
        // Chatters are independent, so delays are exponentially distributed, here without extremes.
        let chance: f64 = self.rng.random_range(0.01..1.0);
        -chance.ln() * mean
    }

    /// Picks a chatter. Few chatters write most of the messages, and none writes two in a row.
    fn somebody(&mut self) -> usize {
        let count = self.latest.len();
        let loudness: f64 = self.rng.random_range(0.0..1.0);
        let nth = nth_of(count, loudness.powf(1.5));
        self.latest_chatter = if nth == self.latest_chatter { (nth + 1) % count } else { nth };
        self.latest_chatter
    }

    fn text(&mut self, chatter: usize, favor: f64, in_burst: bool) -> (String, Option<(Side, usize)>) {
        let chance = if in_burst { VOTE_CHANCE.1 } else { VOTE_CHANCE.0 };
        if self.words.is_empty() || !self.rng.random_bool(chance) {
            let text =
                if in_burst { phrase::laughter(&mut self.rng) } else { phrase::small_talk(&mut self.rng) };
            return (text, None);
        }
        let favor = (favor + leaning(chatter)).clamp(0.02, 0.98);
        let side = if self.rng.random_bool(favor) { Side::For } else { Side::Against };
        let others = self.words.len() - 1;
        let pair = if others == 0 || self.rng.random_bool(FIRST_PAIR_CHANCE) {
            0
        } else {
            self.rng.random_range(1..=others)
        };
        let (in_favor, against) = &self.words[pair];
        let word = if side == Side::For { in_favor } else { against };
        (phrase::vote(word, &mut self.rng), Some((side, pair)))
    }
}

impl Iterator for Script {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        let in_burst = self.burst_lines_left > 0;
        let secs = self.pause(in_burst);
        let favor = self.mood.after(secs, &mut self.rng);
        if in_burst {
            self.burst_lines_left -= 1;
        } else if self.rng.random_bool(BURST_CHANCE) {
            self.burst_lines_left = self.rng.random_range(BURST_LINES);
        }

        let chatter = self.somebody();
        let (mut text, vote) = self.text(chatter, favor, in_burst);
        if text == self.latest[chatter] {
            text = phrase::repeated(&text, &mut self.rng);
        }
        self.latest[chatter].clone_from(&text);

        let can_answer = self.lines >= MEMORY;
        self.lines += 1;
        let kind = self.rng.random_range(0..1_000);
        Some(Turn {
            after: Duration::from_secs_f64(secs),
            chatter,
            text,
            vote,
            action: (0..35).contains(&kind),
            reply_to: (can_answer && (35..85).contains(&kind)).then(|| self.rng.random_range(1..=MEMORY)),
            from_partner: (85..110).contains(&kind),
            repeats: u32::from((110..140).contains(&kind)),
        })
    }
}

/// Returns the index at fraction `share`, which is below 1, of `count` entries.
fn nth_of(count: usize, share: f64) -> usize {
    let count_f64 = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the count")]
    let nth = (count_f64 * share) as usize;
    nth.min(count - 1)
}

/// Returns the chatter's constant bias toward one side, independent of the mood.
fn leaning(chatter: usize) -> f64 {
    let percent = u32::try_from(stable_hash(&chatter.to_string()) % 100).unwrap_or_default();
    (f64::from(percent) - 50.0) / 100.0 * 0.06
}

/// The side of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In favor.
    For,
    /// Against.
    Against,
}

/// One message, and the delay before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Time since the previous message.
    pub after: Duration,
    /// Index of the chatter, below the number of chatters.
    pub chatter: usize,
    /// The text.
    pub text: String,
    /// The intended vote, if any, and the index of its pair of words.
    pub vote: Option<(Side, usize)>,
    /// Whether it is sent with `/me`.
    pub action: bool,
    /// The message that it answers, counted backwards; 1 is the previous one.
    pub reply_to: Option<usize>,
    /// Whether it was typed in the partner's channel and is copied from there.
    pub from_partner: bool,
    /// How often each delivery is repeated.
    pub repeats: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn config(seed: u64) -> CrowdConfig {
        CrowdConfig { seed, ..CrowdConfig::default() }
    }

    fn share(turns: &[Turn], which: impl Fn(&Turn) -> bool) -> f64 {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap());
        count(turns.iter().filter(|turn| which(turn)).count()) / count(turns.len())
    }

    #[test]
    fn the_same_seed_says_the_same() {
        let once: Vec<Turn> = Script::new(&config(7)).take(2_000).collect();
        let again: Vec<Turn> = Script::new(&config(7)).take(2_000).collect();
        let other: Vec<Turn> = Script::new(&config(8)).take(2_000).collect();
        assert_eq!(once, again);
        assert_ne!(once, other);
    }

    #[test]
    fn most_lines_are_plain_votes_at_the_asked_rate() {
        for seed in 0..5 {
            let turns: Vec<Turn> = Script::new(&config(seed)).take(20_000).collect();
            let votes = share(&turns, |turn| matches!(turn.vote, Some((_, 0))));
            assert!((0.55..0.65).contains(&votes), "{votes} of the lines are votes with seed {seed}");
            let secs: f64 = turns.iter().map(|turn| turn.after.as_secs_f64()).sum();
            let rate = 20_000.0 / secs;
            assert!((2.7..3.4).contains(&rate), "{rate} lines a second with seed {seed}");
        }
    }

    /// The demo requires this: within half a minute, the bar is seen on both sides.
    #[test]
    fn every_half_minute_swings_both_ways() {
        for seed in 0..20 {
            let (mut now, mut last_for, mut last_against) = (0.0, 0.0, 0.0);
            let mut recent = VecDeque::new();
            for turn in Script::new(&config(seed)) {
                now += turn.after.as_secs_f64();
                if now > 600.0 {
                    break;
                }
                let Some((side, _)) = turn.vote else { continue };
                recent.push_back((now, side));
                recent.retain(|(at, _)| now - at < 5.0);
                let (mut votes, mut in_favor) = (0.0, 0.0);
                for (_, side) in &recent {
                    votes += 1.0;
                    in_favor += if *side == Side::For { 1.0 } else { 0.0 };
                }
                let share: f64 = in_favor / votes;
                if share > 0.65 {
                    last_for = now;
                }
                if share < 0.35 {
                    last_against = now;
                }
                assert!(now - last_for < 30.0, "nobody is for it at {now} s with seed {seed}");
                assert!(now - last_against < 30.0, "nobody is against it at {now} s with seed {seed}");
            }
        }
    }

    #[test]
    fn everything_that_chat_does_comes_up() {
        let turns: Vec<Turn> = Script::new(&config(3)).take(3_000).collect();
        let has = |which: fn(&Turn) -> bool| turns.iter().any(which);
        assert!(has(|turn| turn.action));
        assert!(has(|turn| turn.reply_to.is_some()));
        assert!(has(|turn| turn.from_partner));
        assert!(has(|turn| turn.repeats > 0));
        assert!(has(|turn| turn.text.ends_with('\u{34F}')));
        assert!(has(|turn| turn.text.ends_with('\u{E0000}')));
        assert!(has(|turn| turn.text == "YES"));
        assert!(has(|turn| turn.text == "2"));
        assert!(has(|turn| turn.text == "PogChamp"));
        assert!(has(|turn| turn.text == " no"));
    }
}
