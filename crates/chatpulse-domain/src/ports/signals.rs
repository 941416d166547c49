//! "Something changed": reaches every instance, at most once, and may get lost.

use async_trait::async_trait;

use crate::ids::{ChannelId, OverlayId, Platform};

/// What changed. Carries no value: whoever hears it asks the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A vote or reset moved this bar.
    SentimentChanged(OverlayId),
    /// The session has new settings.
    SettingsChanged {
        /// Whose overlay.
        overlay: OverlayId,
        /// Whose chat.
        broadcaster: ChannelId,
    },
    /// A session opened or ended, or its chat is no longer read: drop what is cached about this channel.
    SessionChanged(ChannelId),
    /// This overlay URL is no longer valid: its sockets close.
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
    /// Sends to every subscriber, also at this instance. Never blocks for long and never fails: subscribers recover from a
    /// lost signal.
    fn publish(&self, signal: Signal);

    /// Subscribes to the signals that are published from now on.
    fn subscribe(&self) -> Box<dyn SignalStream>;
}

/// The signals of one subscriber.
#[async_trait]
pub trait SignalStream: Send {
    /// Waits for the next signal. After [`Heard::Gap`] the subscriber must look at everything once.
    async fn next(&mut self) -> Heard;
}

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A signal.
    Signal(Signal),
    /// Some signals were lost.
    Gap,
    /// The publisher is gone; no more signals will come.
    Closed,
}
