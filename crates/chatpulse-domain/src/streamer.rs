//! Somebody who logged in with Twitch and owns an overlay.

use crate::ids::{ChannelId, OverlayId, StreamerId, TwitchUserId};

/// A streamer's account. Tokens are kept apart ([`crate::login::SealedTokens`]): nobody who shows an overlay
/// needs to open them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streamer {
    /// Our own id.
    pub id: StreamerId,
    /// Twitch's id; it outlives every rename.
    pub twitch_id: TwitchUserId,
    /// Name in URLs, lower case. Changes when the user renames.
    pub login: String,
    /// Name as shown; may be in any script.
    pub display_name: String,
    /// The secret address of the overlay.
    pub overlay: OverlayId,
}

impl Streamer {
    /// The channel whose chat votes on the overlay.
    pub fn channel(&self) -> ChannelId {
        self.twitch_id.channel()
    }
}

/// What Twitch says about a user who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwitchProfile {
    /// Twitch's id.
    pub id: TwitchUserId,
    /// Name in URLs.
    pub login: String,
    /// Name as shown.
    pub display_name: String,
}
