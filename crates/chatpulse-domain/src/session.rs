//! A session: the live state of one open overlay.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::{ChannelId, OverlayId};
use crate::overlay::VersionedSettings;
use crate::time::Timestamp;

/// How long a share until reset goes on counting after its last overlay left: scenes come and go, and the votes typed
/// meanwhile belong to the count.
pub const COUNTS_ON_FOR: Duration = Duration::from_hours(12);

/// What a new session needs when the first overlay connects.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSeed {
    /// Whose overlay it is.
    pub overlay: OverlayId,
    /// Whose chat votes in it.
    pub broadcaster: ChannelId,
    /// The settings. They replace those of an existing session only if they are newer.
    pub settings: VersionedSettings,
}

/// A session as the vote path needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Whose overlay it is.
    pub overlay: OverlayId,
    /// Whose chat votes in it.
    pub broadcaster: ChannelId,
    /// A copy of the settings, so that votes count while the database is unavailable.
    pub settings: Arc<VersionedSettings>,
}

/// What the dashboard shows about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionActivity {
    /// Number of overlay sockets at all instances.
    pub viewers: u32,
    /// Whether an instance is attached to the session, so an overlay or a preview is open.
    pub attached: bool,
    /// When the last vote was applied.
    pub last_vote_at: Option<Timestamp>,
    /// Number of votes applied in the last 60 seconds.
    pub votes_last_minute: u32,
    /// Whether the token bucket refused a vote in the last 60 seconds.
    pub limited: bool,
}

/// A session that no instance is attached to any more, and that does not go on counting either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Whose overlay it was.
    pub overlay: OverlayId,
    /// Whose chat voted in it.
    pub broadcaster: ChannelId,
    /// When the last instance released it.
    pub disconnected_at: Timestamp,
}
