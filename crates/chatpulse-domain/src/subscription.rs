//! Our record of what Twitch delivers to us.

use crate::ids::{ChannelId, ChatterId, ConduitId, SubscriptionId};

/// One chat subscription at Twitch: whose chat, read by which account, delivered where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSubscription {
    /// Twitch's id of it.
    pub id: SubscriptionId,
    /// Whose chat.
    pub broadcaster: ChannelId,
    /// The account that reads.
    pub bot: ChatterId,
    /// Where Twitch delivers it.
    pub conduit: ConduitId,
}

/// What the chat connection of one streamer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChatState {
    /// Twitch delivers this chat.
    Reading,
    /// Being set up, or Twitch is out of reach.
    Connecting,
    /// Twitch refuses: the bot or the streamer has not agreed, or was banned.
    NotAuthorized,
    /// No overlay is open, so chat is not read.
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
