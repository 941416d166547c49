//! Where verified chat messages go, from any platform and transport.

use async_trait::async_trait;

use crate::message::ChatMessage;
use crate::sentiment::Sentiment;
use crate::side::Side;

/// One chat notification whose sender was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatDelivery {
    /// A line of chat.
    Message(ChatMessage),
    /// Its time is more than ten minutes off: too late, or replayed by somebody else.
    Stale,
    /// Not a chat message.
    Malformed,
}

/// What became of a delivery: exactly one of these for each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChatOutcome {
    /// A vote that moved the bar.
    Applied {
        /// Which way.
        side: Side,
        /// The value right after it.
        sentiment: Sentiment,
    },
    /// The same chatter voted within the last second.
    Debounced {
        /// Which way it would have gone.
        side: Side,
    },
    /// The session's token bucket is empty.
    RateLimited {
        /// Which way it would have gone.
        side: Side,
    },
    /// Seen before.
    Duplicate {
        /// Which way it went the first time.
        side: Side,
    },
    /// Just chat, or not this channel's.
    NoMatch,
    /// Moderators paused the bar.
    Paused {
        /// Which way it would have gone.
        side: Side,
    },
    /// Nobody watches this channel's overlay.
    NoSession,
    /// Too old or from the future.
    Stale,
    /// Could not be decoded.
    Malformed,
    /// A store was out of reach: no vote.
    Error,
}

impl ChatOutcome {
    /// All label values, for metrics that start at zero.
    pub const LABELS: [&'static str; 10] = [
        "applied",
        "debounced",
        "rate_limited",
        "duplicate",
        "no_match",
        "paused",
        "no_session",
        "stale",
        "malformed",
        "error",
    ];

    /// The word in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Debounced { .. } => "debounced",
            Self::RateLimited { .. } => "rate_limited",
            Self::Duplicate { .. } => "duplicate",
            Self::NoMatch => "no_match",
            Self::Paused { .. } => "paused",
            Self::NoSession => "no_session",
            Self::Stale => "stale",
            Self::Malformed => "malformed",
            Self::Error => "error",
        }
    }

    /// The side whose trigger the text equalled, if it did.
    pub const fn matched(&self) -> Option<Side> {
        match self {
            Self::Applied { side, .. }
            | Self::Debounced { side }
            | Self::RateLimited { side }
            | Self::Duplicate { side }
            | Self::Paused { side } => Some(*side),
            _ => None,
        }
    }
}

/// Takes chat in. Answers within a second whatever the stores do, so that Twitch is always answered in time.
#[async_trait]
pub trait ChatSink: Send + Sync {
    /// One delivery in, one outcome out.
    async fn receive(&self, delivery: ChatDelivery) -> ChatOutcome;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTIMENT: Sentiment = Sentiment::CENTRE;

    fn of_each_kind(side: Side) -> [ChatOutcome; 10] {
        [
            ChatOutcome::Applied { side, sentiment: SENTIMENT },
            ChatOutcome::Debounced { side },
            ChatOutcome::RateLimited { side },
            ChatOutcome::Duplicate { side },
            ChatOutcome::NoMatch,
            ChatOutcome::Paused { side },
            ChatOutcome::NoSession,
            ChatOutcome::Stale,
            ChatOutcome::Malformed,
            ChatOutcome::Error,
        ]
    }

    #[test]
    fn each_outcome_has_the_label_that_starts_at_zero() {
        let words = of_each_kind(Side::For).map(|outcome| outcome.as_str());
        assert_eq!(words, ChatOutcome::LABELS);
    }

    #[test]
    fn the_outcome_of_a_vote_says_its_side() {
        for side in Side::BOTH {
            let matched = of_each_kind(side).map(|outcome| outcome.matched());
            let vote = Some(side);
            assert_eq!(matched, [vote, vote, vote, vote, None, vote, None, None, None, None]);
        }
    }
}
