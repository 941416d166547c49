//! One message of a script.

use std::time::Duration;

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
