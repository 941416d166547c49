//! Votes and sessions of the whole Fleet: one adapter, since a session's votes are part of its state.

use std::sync::Arc;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::token_bucket::BucketLimit;

use crate::attachments::Attachments;
use crate::connection::Redis;
use crate::fencing::FencingTokens;

/// Votes and sessions. Clones share their state.
#[derive(Clone)]
pub struct RedisLive {
    pub(crate) redis: Redis,
    /// The limit of each session's token bucket; `None` without a limit.
    pub(crate) limit: Option<BucketLimit>,
    pub(crate) fencing: FencingTokens,
    pub(crate) attachments: Arc<Attachments>,
}

impl RedisLive {
    /// Uses an open connection. This process' registry and leadership share `fencing`.
    pub fn new(redis: Redis, limit: Option<BucketLimit>, fencing: FencingTokens) -> Self {
        Self { redis, limit, fencing, attachments: Arc::default() }
    }

    /// This process' fencing tokens, to share with its registry and leadership.
    pub fn fencing(&self) -> FencingTokens {
        self.fencing.clone()
    }

    /// Reports that Redis has no such session. If this process is attached to it, Redis has lost it, and perhaps others.
    pub(crate) fn note_missing_session(&self, overlay: OverlayId) {
        if self.attachments.contains(overlay) {
            self.redis.suspect_state_loss();
        }
    }
}
