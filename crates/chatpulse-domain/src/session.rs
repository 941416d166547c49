//! A session: the live state of one overlay that somebody watches.

use std::sync::Arc;

use crate::ids::{ChannelId, OverlayId};
use crate::overlay::VersionedSettings;
use crate::time::Timestamp;

/// What a session is made from when the first overlay connects.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSeed {
    /// Whose overlay it is.
    pub overlay: OverlayId,
    /// Whose chat votes in it.
    pub broadcaster: ChannelId,
    /// The settings to begin with; older ones never replace newer.
    pub settings: VersionedSettings,
}

/// A session as the vote path needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Whose overlay it is.
    pub overlay: OverlayId,
    /// Whose chat votes in it.
    pub broadcaster: ChannelId,
    /// A copy of the settings; votes go on with it when the database is away.
    pub settings: Arc<VersionedSettings>,
}

/// What the dashboard says about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionActivity {
    /// Overlay sockets over all instances.
    pub viewers: u32,
    /// Whether an instance is attached to the session, so an overlay or a preview is open.
    pub attached: bool,
    /// When the last vote was applied.
    pub last_vote_at: Option<Timestamp>,
    /// Votes applied in the last 60 seconds.
    pub votes_last_minute: u32,
    /// A vote was refused by the token bucket in the last 60 seconds.
    pub limited: bool,
}

/// A session that no instance is attached to any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Whose overlay it was.
    pub overlay: OverlayId,
    /// Whose chat voted in it.
    pub broadcaster: ChannelId,
    /// When the last instance released it.
    pub disconnected_at: Timestamp,
}
