//! Where news of grants goes.

use crate::ids::TwitchUserId;

/// Hears that users took back what they had agreed to. Returns at once; the work is done afterwards, and if it is lost
/// the hourly look at every token finds the same.
pub trait GrantSink: Send + Sync {
    /// Disconnected at Twitch, or the account is gone.
    fn withdrawn(&self, user: &TwitchUserId);
}
