//! The index entries of a session that its last instance released.

use chatpulse_domain::ids::{ChannelId, OverlayId};
use chatpulse_domain::ports::error::StoreError;

use super::index::{add_entry, all_or_first_error};
use crate::call::{Call, Reply};
use crate::keys;
use crate::live::RedisLive;
use crate::operation::INDEX;

/// A session without an attached instance, as a function reported it.
pub(super) struct OrphanedSession {
    overlay: OverlayId,
    /// From when its age counts, in Unix milliseconds as the functions take it. A share until reset counts until then.
    since: String,
    /// Whose chat votes in it, if it goes on counting.
    counts_for: Option<ChannelId>,
}

impl OrphanedSession {
    /// Reads `orphan, since, broadcaster` or `done, since, broadcaster`.
    pub(super) fn in_reply(overlay: OverlayId, reply: &Reply) -> Option<Self> {
        let since = reply.text(1);
        if !matches!(reply.word(), "orphan" | "done") || since.is_empty() {
            return None;
        }
        Some(Self { overlay, since: since.to_owned(), counts_for: reply.text(2).parse().ok() })
    }
}

impl RedisLive {
    /// Moves the entries to the time from which each session is an orphan, and keeps the chats' entries of those that go
    /// on counting until then.
    pub(super) async fn index_orphans(&self, orphaned: &[OrphanedSession]) -> Result<(), StoreError> {
        let entries =
            orphaned.iter().map(|session| add_entry(keys::DISCONNECTED, session.overlay, &session.since));
        let chats = orphaned.iter().filter_map(|session| {
            let call = Call::writing("refresh_index_entry");
            let call = call.keys([keys::broadcaster(session.counts_for.as_ref()?)]);
            Some(call.arg(session.overlay).arg(&session.since))
        });
        all_or_first_error(self.redis.call_all(INDEX, entries.chain(chats).collect()).await?)?;
        Ok(())
    }
}
