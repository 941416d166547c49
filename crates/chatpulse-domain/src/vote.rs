//! A vote and what can become of it; [`crate::live::LiveOverlay::cast`] decides.

use std::time::Duration;

use crate::ids::{ChatterId, MessageId, OverlayId};
use crate::sentiment::Sentiment;
use crate::side::Side;

/// How long a message id is remembered, so that a repeated delivery counts once.
pub const SEEN_FOR: Duration = Duration::from_mins(10);

/// A chatter's votes in one session count at most once in this time.
pub const DEBOUNCE: Duration = Duration::from_secs(1);

/// One line of chat that matched a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The session it counts in.
    pub overlay: OverlayId,
    /// Who typed it; each chatter has a debounce of their own.
    pub chatter: ChatterId,
    /// Equal for repeated deliveries of one message.
    pub message: MessageId,
    /// Which way it pushes the bar.
    pub side: Side,
}

/// What became of a vote. Only [`VoteOutcome::Applied`] changes the debounce, the token bucket and the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VoteOutcome {
    /// The vote moved the bar to this value.
    Applied(Sentiment),
    /// The same chatter voted less than [`DEBOUNCE`] ago.
    Debounced,
    /// The session's token bucket is empty.
    RateLimited,
    /// This message was seen before.
    Duplicate,
    /// Nobody has the overlay open.
    NoSession,
}
