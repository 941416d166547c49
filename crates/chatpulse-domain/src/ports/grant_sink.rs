//! Where a platform reports that users took back their consent.

use crate::ids::TwitchUserId;
use crate::time::Timestamp;

/// Takes such reports. Returns at once; the work is done afterwards. A report that is lost is found by the hourly validation of
/// tokens.
pub trait GrantSink: Send + Sync {
    /// The user disconnected at Twitch, or the account is gone, at this time.
    fn withdrawn(&self, user: &TwitchUserId, at: Timestamp);
}
