//! Chat subscriptions that we recorded, and what the dashboard says about a chat.

use crate::ids::{ChannelId, ChatterId, ConduitId, SubscriptionId};

/// One chat subscription at Twitch: whose chat, read by which account, delivered where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSubscription {
    /// Its id at Twitch.
    pub id: SubscriptionId,
    /// Whose chat.
    pub broadcaster: ChannelId,
    /// The account that reads.
    pub bot: ChatterId,
    /// Where Twitch delivers it.
    pub conduit: ConduitId,
}

/// What the connection of one chat is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChatState {
    /// The platform delivers this chat.
    Reading,
    /// Being set up, or the platform is out of reach.
    Connecting,
    /// The platform does not allow it: the bot or the streamer has not given consent, or the bot is banned.
    NotAuthorized,
    /// Nobody needs this chat, so it is not read.
    Idle,
}

impl ChatState {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Connecting => "connecting",
            Self::NotAuthorized => "not_authorized",
            Self::Idle => "idle",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_word() {
        let states = [ChatState::Reading, ChatState::Connecting, ChatState::NotAuthorized, ChatState::Idle];
        assert_eq!(states.map(ChatState::as_str), ["reading", "connecting", "not_authorized", "idle"]);
    }
}
