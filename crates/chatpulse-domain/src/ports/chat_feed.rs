//! Reading chats.

use async_trait::async_trait;

use crate::ids::{ChannelId, ChatterId};
use crate::subscription::ChatState;

/// Whose chat is read, and by which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatChannel {
    /// Whose chat.
    pub broadcaster: ChannelId,
    /// The account that reads it; in Solo the first streamer's.
    pub bot: ChatterId,
}

/// Which instance serves the session of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// An overlay opened at this instance just now.
    Here,
    /// Some instance serves it, perhaps another one.
    Somewhere,
}

/// Reads the chats of one platform. What the platform refuses, when a request is retried, and what instances tell each
/// other about it is the business of the platform's crate.
///
/// A chat is delivered to all instances together. Whoever serves a session reads its chat, and the leader reads all of
/// them; only the leader makes the platform stop. No call but `state` waits for anything: an overlay connects at once,
/// whatever the platform does.
#[async_trait]
pub trait ChatFeed: Send + Sync {
    /// Reads this chat from now on; repeating it is harmless. [`Served::Here`] retries a refused chat at once.
    fn read_chat(&self, channel: ChatChannel, served: Served);

    /// Nobody needs this chat any more. The leader's feed makes the platform stop; any other feed only forgets it.
    fn stop_reading(&self, broadcaster: &ChannelId);

    /// This account gave its consent: chats that were refused for want of it are retried, at every instance.
    fn consent_changed(&self, account: &ChatterId);

    /// What the connection of this chat is doing. [`ChatState::Idle`] if nobody reads it, as far as is known.
    async fn state(&self, broadcaster: &ChannelId) -> ChatState;
}
