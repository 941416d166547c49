//! Reading chats.

use crate::ids::{ChannelId, ChatterId};
use crate::subscription::ChatState;

/// Whose chat is to be read, and by which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatChannel {
    /// Whose chat.
    pub broadcaster: ChannelId,
    /// The account that reads; the broadcaster's own in Solo.
    pub reader: ChatterId,
}

/// Keeps the set of chats that are wanted here, and works in the background to make Twitch deliver them.
/// No call waits for Twitch: an overlay connects at once, whatever Twitch does.
///
/// A chat is delivered to all instances together. Whoever serves it wants it; only the leader, who also wants whatever
/// is served elsewhere, makes Twitch stop.
pub trait ChatFeed: Send + Sync {
    /// Read this chat from now on. Asking again is fine; after a refusal it tries anew.
    fn want(&self, channel: ChatChannel);

    /// Read this chat from now on, which another instance may have begun: looks at the record before it asks Twitch,
    /// also if it was wanted already. A refusal stays.
    fn follow(&self, channel: ChatChannel);

    /// Make Twitch stop, also if another instance made it begin.
    fn unwant(&self, broadcaster: &ChannelId);

    /// No longer this instance's business; Twitch is left alone. A refusal is remembered.
    fn release(&self, broadcaster: &ChannelId);

    /// Something changed about this chat, which is served, perhaps at another instance: if it is wanted here, look
    /// whether it is still subscribed; if it was to be stopped, leave that.
    fn doubt(&self, broadcaster: &ChannelId);

    /// Twitch refused this chat at another instance: asking here would be refused too.
    fn refuse(&self, channel: ChatChannel);

    /// The streamer agreed anew: a refusal of before may no longer hold.
    fn forgive(&self, broadcaster: &ChannelId);

    /// The account that reads agreed anew: refusals of every chat that it reads may no longer hold.
    fn forgive_reader(&self, reader: &ChatterId);

    /// Whoever agreed again meanwhile was not heard: asks for every refused chat once more.
    fn forgive_all(&self);

    /// An instance does not know which chats are refused: whoever leads tells them all again.
    fn tell_refusals(&self);

    /// What its connection is doing, as far as this instance knows: idle also where another one may know better.
    fn state(&self, broadcaster: &ChannelId) -> ChatState;
}
