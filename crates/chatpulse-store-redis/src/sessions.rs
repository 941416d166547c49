//! Sessions and the instances that are attached to them.
//!
//! A session's own keys change in one step. The indices are on other cluster slots: an entry is written before its
//! session and removed after it, so an index may have a stale entry but never misses one.
//!
//! | index | from | to |
//! |---|---|---|
//! | `broadcaster:ID` | chat | the overlay attached last |
//! | `instance_sessions:ID:EPOCH` | registration of an instance | overlays that it may be attached to |
//! | `sessions` | time | overlays that an instance may be attached to |
//! | `disconnected_sessions` | time from which its age counts | overlays that may be orphans |

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, InstanceId, OverlayId};
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::time::Timestamp;
use fred::interfaces::HashesInterface;
use tracing::warn;

use crate::attachments::Attachment;
use crate::call::{Call, Reply};
use crate::error::Failure;
use crate::keys;
use crate::live::RedisLive;
use crate::operation::{ACTIVITY, ATTACHED, DELETE, FIND, ORPHANS, PUT_SETTINGS};
use crate::settings_json;
use attaching::settings_args;
use orphaned::OrphanedSession;

mod attaching;
mod index;
mod orphaned;

pub(crate) use attaching::Release;

/// Orphans checked in one round. The next round checks the rest.
const ORPHANS_MAX: usize = 1_000;

/// Sessions listed at most: more than one Redis serves.
const SESSIONS_MAX: usize = 100_000;

#[async_trait]
impl SessionStore for RedisLive {
    async fn attach(
        &self,
        seed: &SessionSeed,
        instance: &InstanceId,
        viewers: u32,
    ) -> Result<(), StoreError> {
        let attachment = Attachment { seed: seed.clone(), instance: instance.clone(), viewers };
        self.attachments.insert(attachment.clone());
        self.attach_one(&attachment).await
    }

    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError> {
        self.attachments.remove(overlay, instance);
        let released = self.release_all(&[overlay], &Release::by_instance(instance)).await;
        if released.is_err() {
            // It may still happen, after this instance has attached again.
            self.redis.suspect_state_loss();
        }
        released
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Session>, StoreError> {
        match self.overlay_of(broadcaster).await? {
            Some(overlay) => self.find_by_overlay(overlay).await,
            None => Ok(None),
        }
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError> {
        let key = keys::session(overlay);
        let fields = ["broadcaster_user_id", "config_json", "config_version"];
        let found = self.redis.commands(FIND, |client| async move {
            let fields: Vec<Option<String>> = client.hmget(key, fields.to_vec()).await?;
            Ok(fields)
        });
        let session = session(overlay, &found.await?).map_err(|failure| failure.during(FIND))?;
        if let Some(session) = &session {
            // Another instance may have saved them. Attaching again must not bring back older ones.
            self.attachments.update_settings(overlay, &session.settings);
        }
        Ok(session)
    }

    async fn attached(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError> {
        let overlays = self.list_entries(keys::SESSIONS, Duration::ZERO, SESSIONS_MAX).await?;
        let calls = overlays.iter().map(|(overlay, _)| {
            Call::reading("attached").keys([keys::session(*overlay), keys::attached_instances(*overlay)])
        });
        let replies = self.redis.call_all(ATTACHED, calls.collect()).await?;
        let (mut attached, mut ended) = (Vec::new(), Vec::new());
        for ((overlay, _), reply) in overlays.iter().zip(replies) {
            match reply.and_then(|reply| attachment_state(&reply)) {
                Ok(AttachmentState::Attached(version)) => attached.push((*overlay, version)),
                Ok(AttachmentState::Detached) => {}
                Ok(AttachmentState::NoSession) => ended.push(*overlay),
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(%error, "failed to read session; continuing with the others");
                }
                Err(error) => return Err(error),
            }
        }
        self.remove_ended_entries(&ended).await?;
        Ok(attached)
    }

    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError> {
        self.attachments.update_settings(overlay, settings);
        let call = Call::writing("put_settings").keys([keys::session(overlay)]).args(settings_args(settings));
        let reply = self.redis.call(PUT_SETTINGS, call).await?;
        // An orphan counts on, or no longer does.
        if let Some(orphaned) = OrphanedSession::in_reply(overlay, &reply) {
            self.index_orphans(&[orphaned]).await?;
        }
        Ok(reply.word() == "done")
    }

    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError> {
        let call = Call::reading("activity").keys([
            keys::session(overlay),
            keys::attached_instances(overlay),
            keys::vote_counts(overlay),
        ]);
        let reply = self.redis.call(ACTIVITY, call).await?;
        activity(&reply).map_err(|failure| failure.during(ACTIVITY))
    }

    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError> {
        let entries = self.list_entries(keys::DISCONNECTED, age, ORPHANS_MAX).await?;
        let calls = entries.iter().map(|(overlay, _)| {
            Call::reading("check_orphan")
                .keys([keys::session(*overlay), keys::attached_instances(*overlay)])
                .arg(age.as_millis())
        });
        let replies = self.redis.call_all(ORPHANS, calls.collect()).await?;
        let (mut orphans, mut stale) = (Vec::new(), Vec::new());
        for (entry @ (overlay, _), reply) in entries.iter().zip(replies) {
            let is_stale =
                reply.as_ref().is_ok_and(|reply| matches!(reply.word(), "attached" | "no_session"));
            let checked =
                reply.and_then(|reply| orphan(*overlay, &reply).map_err(|failure| failure.during(ORPHANS)));
            match checked {
                Ok(Some(orphan)) => orphans.push(orphan),
                Ok(None) if is_stale => stale.push(entry),
                Ok(None) => {}
                Err(error) => warn!(%error, "failed to check orphan; continuing with the others"),
            }
        }
        self.remove_stale_entries(keys::DISCONNECTED, &stale).await;
        Ok(orphans)
    }

    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError> {
        let call = Call::writing("delete_orphan")
            .keys(keys_of(overlay))
            .arg(age.as_millis())
            .arg(self.fencing.leader());
        let reply = self.redis.call(DELETE, call).await?;
        if reply.word() != "deleted" {
            return Ok(false);
        }
        self.remove_entries_of(overlay, reply.text(1), Some(reply.text(2)), reply.text(3)).await;
        Ok(true)
    }

    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError> {
        self.attachments.remove_overlay(overlay);
        let [session, instances, limit, counts] = keys_of(overlay);
        let keys = [session, instances, limit, counts, keys::tally(overlay)];
        let reply = self.redis.call(DELETE, Call::writing("delete").keys(keys)).await?;
        if reply.word() == "deleted" {
            self.remove_entries_of(overlay, reply.text(1), None, reply.text(2)).await;
        }
        Ok(())
    }
}

/// The keys of a session that end with it. The tally outlives an orphan, so that a count until reset goes on.
fn keys_of(overlay: OverlayId) -> [String; 4] {
    [
        keys::session(overlay),
        keys::attached_instances(overlay),
        keys::rate_limit(overlay),
        keys::vote_counts(overlay),
    ]
}

fn session(overlay: OverlayId, fields: &[Option<String>]) -> Result<Option<Session>, Failure> {
    let [broadcaster, json, version] = fields else {
        return Err(Failure::Malformed { place: "session" });
    };
    if fields.iter().all(Option::is_none) {
        return Ok(None);
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let place = "session.broadcaster_user_id";
    let broadcaster = text(broadcaster).parse().map_err(|_| Failure::Malformed { place })?;
    let settings = settings_json::decode(&text(json), &text(version))?;
    Ok(Some(Session { overlay, broadcaster, settings: settings.into() }))
}

enum AttachmentState {
    Attached(SettingsVersion),
    Detached,
    NoSession,
}

fn attachment_state(reply: &Reply) -> Result<AttachmentState, StoreError> {
    match reply.word() {
        "attached" => {
            let version = reply.number(1, "session.config_version");
            let version = version.map_err(|failure| failure.during(ATTACHED))?;
            Ok(AttachmentState::Attached(SettingsVersion(version)))
        }
        "no_session" => Ok(AttachmentState::NoSession),
        _ => Ok(AttachmentState::Detached),
    }
}

fn activity(reply: &Reply) -> Result<Option<SessionActivity>, Failure> {
    if reply.word() != "found" {
        return Ok(None);
    }
    let last_vote_at = match reply.text(3) {
        "" => None,
        _ => Some(Timestamp::from_unix_ms(reply.number(3, "session.last_vote")?)),
    };
    Ok(Some(SessionActivity {
        viewers: reply.number(1, "ref_count")?,
        attached: reply.text(2) == "1",
        last_vote_at,
        votes_last_minute: reply.number(4, "votes_last_minute")?,
        limited: reply.text(5) == "1",
    }))
}

/// `None` if the session is no orphan, or not old enough.
fn orphan(overlay: OverlayId, reply: &Reply) -> Result<Option<Orphan>, Failure> {
    if reply.word() != "orphan" {
        return Ok(None);
    }
    let place = "session.broadcaster_user_id";
    let broadcaster = reply.text(1).parse().map_err(|_| Failure::Malformed { place })?;
    let disconnected_at = Timestamp::from_unix_ms(reply.number(2, "session.last_disconnect")?);
    Ok(Some(Orphan { overlay, broadcaster, disconnected_at }))
}
