//! Where news of grants goes.

use crate::ids::TwitchUserId;
use crate::time::Timestamp;

/// Hears that users took back what they had agreed to. Returns at once; the work is done afterwards. If it is lost, the
/// hourly look at every streamer's tokens finds the same; of a bot that is no streamer nothing more is heard.
pub trait GrantSink: Send + Sync {
    /// Disconnected at Twitch, or the account is gone, at this time.
    fn withdrawn(&self, user: &TwitchUserId, at: Timestamp);
}
