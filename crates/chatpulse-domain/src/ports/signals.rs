//! "Something changed": tells every instance, at most once, and may get lost.

use async_trait::async_trait;

use crate::ids::{ChannelId, OverlayId, TwitchUserId};

/// What changed. Carries no value: whoever hears it asks the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A vote or reset moved this bar.
    SentimentChanged(OverlayId),
    /// The streamer saved; the session holds the new settings.
    SettingsChanged {
        /// Whose overlay.
        overlay: OverlayId,
        /// Whose chat.
        broadcaster: ChannelId,
    },
    /// A session opened, or ended: forget what was remembered about this chat.
    SessionChanged(ChannelId),
    /// This address is no longer valid: its sockets close.
    OverlayRotated(OverlayId),
    /// This user agreed at Twitch: what was refused for want of it may be allowed now.
    ConsentGiven(TwitchUserId),
    /// Twitch does not allow this chat to be read until somebody agrees anew.
    ChatRefused(ChannelId),
    /// Somebody listens from now on: which chats are refused is told again.
    ListenerJoined,
}

/// Publishes and delivers [`Signal`]s between parts and instances. Everything that relies on one must also
/// heal without it.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Tells everybody, this instance included. Never blocks for long, never fails: a lost signal heals.
    fn publish(&self, signal: Signal);

    /// Begins to listen; signals published from now on arrive.
    fn subscribe(&self) -> Box<dyn SignalStream>;
}

/// One listener's signals.
#[async_trait]
pub trait SignalStream: Send {
    /// The next thing heard. After [`Heard::Gap`] signals were lost: look at everything once.
    async fn next(&mut self) -> Heard;
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A signal.
    Signal(Signal),
    /// Some were missed.
    Gap,
    /// The publisher is gone; nothing will come any more.
    Closed,
}
