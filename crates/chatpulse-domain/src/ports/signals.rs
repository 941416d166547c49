//! "Something changed": reaches every instance, at most once, and may get lost.

use async_trait::async_trait;

use crate::ids::{ChannelId, OverlayId, Platform};

/// What changed. Carries no value: whoever hears it asks the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A vote or reset moved this bar.
    SentimentChanged(OverlayId),
    /// The streamer saved; the session has the new settings.
    SettingsChanged {
        /// Whose overlay.
        overlay: OverlayId,
        /// Whose chat.
        broadcaster: ChannelId,
    },
    /// A session opened or ended, or its chat is read no longer: forget what was remembered about this channel.
    SessionChanged(ChannelId),
    /// This address is no longer valid: its sockets close.
    OverlayRotated(OverlayId),
    /// For a platform's own crate, at every instance.
    PlatformNote(PlatformNote),
}

/// What a platform's crate tells itself at the other instances. Everybody else only carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformNote {
    /// Whose crate reads it.
    pub platform: Platform,
    /// In that crate's own format, such as `refused 141981764 2914196`.
    pub text: String,
}

/// Publishes and delivers [`Signal`]s between parts and instances. Everything that relies on one must also
/// recover without it.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Tells everybody, this instance included. Never blocks for long and never fails: a lost signal heals.
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
