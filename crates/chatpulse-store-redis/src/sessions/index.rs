//! The index entries of sessions; `sessions.rs` has the table of indices.

use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use fred::interfaces::{KeysInterface, SetsInterface};
use fred::types::{Expiration, Value};
use tracing::warn;

use crate::attachments::Attachment;
use crate::call::{Call, Reply};
use crate::keys;
use crate::live::RedisLive;
use crate::operation::{FIND, INDEX, ORPHANS};

/// How long an entry outlives its last refresh. Attached instances refresh theirs every twenty minutes.
const ENTRY_TTL_MS: i64 = 3_600_000;

/// Plain commands in one pipeline.
const COMMANDS_MAX: usize = 250;

/// An entry of this age has its session: only a few deadlines lie between writing the two.
const SETTLED_AFTER: Duration = Duration::from_mins(5);

/// Entries read at most: more sessions than one Redis serves.
const ENTRIES_MAX: usize = 100_000;

impl RedisLive {
    /// Adds or refreshes the entries by which others find all sessions and those of this instance.
    pub(super) async fn add_entries(&self, attachments: &[Attachment]) -> Result<(), StoreError> {
        let entries =
            attachments.iter().map(|attachment| add_entry(keys::SESSIONS, attachment.seed.overlay, ""));
        all_or_first_error(self.redis.call_all(INDEX, entries.collect()).await?)?;
        for attachments in attachments.chunk_by(|one, next| one.instance == next.instance) {
            let key = keys::instance_sessions(&attachments[0].instance, self.fencing.epoch());
            let overlays: Vec<String> =
                attachments.iter().map(|attachment| attachment.seed.overlay.to_string()).collect();
            let added = self.redis.commands(INDEX, |client| async move {
                let pipeline = client.pipeline();
                let _: Value = pipeline.sadd(&key, overlays).await?;
                let _: Value = pipeline.pexpire(&key, ENTRY_TTL_MS, None).await?;
                pipeline.all::<Value>().await
            });
            added.await?;
        }
        Ok(())
    }

    /// Refreshes all entries of these sessions. A chat's entry that points to another live session stays.
    pub(crate) async fn refresh_entries(&self, attachments: &[Attachment]) -> Result<(), StoreError> {
        self.add_entries(attachments).await?;
        let calls = attachments.iter().map(|attachment| {
            Call::writing("refresh_index_entry")
                .keys([keys::broadcaster(&attachment.seed.broadcaster)])
                .arg(attachment.seed.overlay)
        });
        let replies = all_or_first_error(self.redis.call_all(INDEX, calls.collect()).await?)?;
        let elsewhere: Vec<(&Attachment, OverlayId)> = attachments
            .iter()
            .zip(&replies)
            .filter(|(_, reply)| reply.word() == "other")
            .filter_map(|(attachment, reply)| Some((attachment, reply.text(1).parse().ok()?)))
            .collect();
        let calls = elsewhere.iter().map(|(_, other)| Call::reading("read").keys([keys::session(*other)]));
        let replies = all_or_first_error(self.redis.call_all(INDEX, calls.collect()).await?)?;
        let ended = elsewhere.iter().zip(&replies).filter(|(_, reply)| reply.word() == "no_session");
        self.set_chat_entries(&ended.map(|((attachment, _), _)| *attachment).collect::<Vec<_>>()).await
    }

    /// Points the chats' entries to these sessions.
    pub(super) async fn set_chat_entries(&self, attachments: &[&Attachment]) -> Result<(), StoreError> {
        for attachments in attachments.chunks(COMMANDS_MAX) {
            let entries: Vec<(String, String)> = attachments
                .iter()
                .map(|attachment| &attachment.seed)
                .map(|seed| (keys::broadcaster(&seed.broadcaster), seed.overlay.to_string()))
                .collect();
            let written = self.redis.commands(INDEX, |client| async move {
                let pipeline = client.pipeline();
                for (broadcaster, overlay) in entries {
                    let expiration = Some(Expiration::PX(ENTRY_TTL_MS));
                    let _: Value = pipeline.set(broadcaster, overlay, expiration, None, false).await?;
                }
                pipeline.all::<Value>().await
            });
            written.await?;
        }
        Ok(())
    }

    /// Finds the overlay that a chat's entry points to.
    pub(super) async fn overlay_of(&self, broadcaster: &ChannelId) -> Result<Option<OverlayId>, StoreError> {
        let key = keys::broadcaster(broadcaster);
        let found = self.redis.commands(FIND, |client| async move {
            let overlay: Option<String> = client.get(key).await?;
            Ok(overlay)
        });
        let parsed = found.await?.map(|text| text.parse()).transpose();
        parsed.map_err(StoreError::corrupt("broadcaster:ID"))
    }

    /// Lists the entries of an index by time that are at least so old, the oldest first. The time stays text, as the
    /// functions take it.
    pub(super) async fn list_entries(
        &self,
        index: &str,
        age: Duration,
        at_most: usize,
    ) -> Result<Vec<(OverlayId, String)>, StoreError> {
        let call = Call::reading("list_index_entries").keys([index]).arg(age.as_millis()).arg(at_most);
        let listed = self.redis.call(ORPHANS, call).await?;
        let entries = listed.texts().as_chunks::<2>().0.iter();
        Ok(entries.filter_map(|[overlay, at]| Some((overlay.parse().ok()?, at.clone()))).collect())
    }

    /// Removes entries of ended sessions, but not the newest, whose session may not be written yet.
    pub(super) async fn remove_ended_entries(&self, ended: &[OverlayId]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let settled = self.list_entries(keys::SESSIONS, SETTLED_AFTER, ENTRIES_MAX).await?;
        let stale = settled.iter().filter(|(overlay, _)| ended.contains(overlay));
        let calls = stale.map(|(overlay, at)| remove_entry(keys::SESSIONS, *overlay, at));
        self.redis.call_all(INDEX, calls.collect()).await.map(|_| ())
    }

    /// Removes stale entries. What fails is found again by the next round.
    pub(super) async fn remove_stale_entries(&self, index: &str, stale: &[&(OverlayId, String)]) {
        let calls = stale.iter().map(|(overlay, at)| remove_entry(index, *overlay, at));
        let _ = self.redis.call_all(INDEX, calls.collect()).await;
    }

    /// Removes the entries of a deleted session. Entries that stay are stale: readers notice, and they expire.
    pub(super) async fn remove_entries_of(
        &self,
        overlay: OverlayId,
        broadcaster: &str,
        disconnected_at: Option<&str>,
        deleted_at: &str,
    ) {
        let mut calls = vec![remove_entry(keys::SESSIONS, overlay, deleted_at)];
        if let Ok(broadcaster) = broadcaster.parse::<ChannelId>() {
            let call = Call::writing("expire_index_entry").keys([keys::broadcaster(&broadcaster)]);
            calls.push(call.arg(overlay));
        }
        if let Some(at) = disconnected_at {
            calls.push(remove_entry(keys::DISCONNECTED, overlay, at));
        }
        if let Err(error) = self.redis.call_all(INDEX, calls).await {
            warn!(%error, "failed to remove index entries of a deleted session; they expire");
        }
    }
}

/// Adds an entry to an index by time. `at` is Unix milliseconds; empty: now.
pub(super) fn add_entry(index: &str, overlay: OverlayId, at: &str) -> Call {
    Call::writing("add_index_entry").keys([index]).arg(overlay).arg(at)
}

/// Removes an entry from an index by time, unless it is newer than `up_to`.
fn remove_entry(index: &str, overlay: OverlayId, up_to: &str) -> Call {
    Call::writing("remove_index_entry").keys([index]).arg(overlay).arg(up_to)
}

pub(super) fn all_or_first_error(replies: Vec<Result<Reply, StoreError>>) -> Result<Vec<Reply>, StoreError> {
    replies.into_iter().collect()
}
