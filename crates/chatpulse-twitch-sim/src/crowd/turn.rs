//! One line of a script.

use std::time::Duration;

/// Which way a vote goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In favor.
    For,
    /// Against.
    Against,
}

/// One line, and the pause before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Time since the line before.
    pub after: Duration,
    /// Who types: a number below that of the chatters.
    pub chatter: usize,
    /// What is typed.
    pub text: String,
    /// The vote that is meant, if any, and which pair of words says it.
    pub vote: Option<(Side, usize)>,
    /// Whether it is typed after `/me`.
    pub action: bool,
    /// The line that is answered: 1 is the one before.
    pub reply_to: Option<usize>,
    /// Whether it was typed in the partner's channel, and is copied from there.
    pub from_partner: bool,
    /// How often each delivery is repeated.
    pub repeats: u32,
}
