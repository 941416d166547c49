//! Attaches this instance to sessions, attaches it again after Redis lost them, and releases sessions.

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::ports::error::StoreError;
use fred::interfaces::SetsInterface;
use fred::types::Value;
use tracing::warn;

use super::index::{add_entry, all_or_first_error};
use super::orphaned::OrphanedSession;
use crate::attachments::Attachment;
use crate::call::Call;
use crate::keys;
use crate::live::RedisLive;
use crate::operation::{ATTACH, INDEX, RELEASE};
use crate::settings_json;

/// Above every epoch: the highest integer that Lua's numbers represent exactly.
const ANY_EPOCH: u64 = 1 << 53;

/// Whose sessions are released, and on whose behalf.
pub(crate) struct Release<'a> {
    /// The instance that was attached.
    pub(crate) instance: &'a InstanceId,
    /// Release what it attached under this registration and earlier ones.
    pub(crate) epoch: u64,
    /// When it disconnected, in Unix milliseconds; `None`: now.
    pub(crate) at: Option<&'a str>,
    /// The fencing token of the leader that releases; 0 for the instance itself.
    pub(crate) token: u64,
}

impl<'a> Release<'a> {
    /// The instance releases its own sessions, whatever its epoch.
    pub(crate) fn by_instance(instance: &'a InstanceId) -> Self {
        Self { instance, epoch: ANY_EPOCH, at: None, token: 0 }
    }
}

impl RedisLive {
    /// Attaches to a session, and points its chat's index entry to it. Index entries come first.
    pub(super) async fn attach_one(&self, attachment: &Attachment) -> Result<(), StoreError> {
        self.add_entries(std::slice::from_ref(attachment)).await?;
        self.set_chat_entries(&[attachment]).await?;
        let reply = self.redis.call(ATTACH, self.attach_call(attachment).expiring()).await?;
        if reply.word() == "created" {
            // An earlier session that ended at the same moment may have removed the new entries.
            self.add_entries(std::slice::from_ref(attachment)).await?;
        }
        Ok(())
    }

    /// Attaches again to sessions that Redis lost. A chat's index entry stays if it points to another live session: that
    /// may be the streamer's newer address. Returns how many failed; the log says why.
    pub(crate) async fn reattach(&self, attachments: &[Attachment]) -> usize {
        if let Err(error) = self.refresh_entries(attachments).await {
            warn!(%error, sessions = attachments.len(), "failed to restore index entries that Redis lost; retrying");
            return attachments.len();
        }
        let calls = attachments.iter().map(|attachment| self.attach_call(attachment)).collect();
        let failures: Vec<StoreError> = match self.redis.call_all(ATTACH, calls).await {
            Ok(replies) => replies.into_iter().filter_map(Result::err).collect(),
            Err(error) => {
                warn!(%error, sessions = attachments.len(), "failed to restore sessions that Redis lost; retrying");
                return attachments.len();
            }
        };
        if let Some(error) = failures.first() {
            warn!(%error, sessions = failures.len(), "failed to restore some sessions that Redis lost; retrying");
        }
        failures.len()
    }

    /// Releases sessions. Every step may be repeated, so an interrupted caller starts over.
    pub(crate) async fn release_all(
        &self,
        overlays: &[OverlayId],
        release: &Release<'_>,
    ) -> Result<(), StoreError> {
        let entries = overlays.iter().map(|overlay| add_entry(keys::DISCONNECTED, *overlay, ""));
        all_or_first_error(self.redis.call_all(INDEX, entries.collect()).await?)?;
        let calls = overlays.iter().map(|overlay| {
            Call::writing("release")
                .keys([keys::session(*overlay), keys::attached_instances(*overlay)])
                .arg(release.instance)
                .arg(release.epoch)
                .arg(release.at.unwrap_or_default())
                .arg(release.token)
        });
        let replies = self.redis.call_all(RELEASE, calls.collect()).await?;
        let (mut orphaned, mut released) = (Vec::new(), Vec::new());
        for (overlay, reply) in overlays.iter().zip(replies) {
            match reply {
                // A later leader releases it.
                Ok(reply) if reply.word() == "fenced" => {}
                Ok(reply) => {
                    orphaned.extend(OrphanedSession::in_reply(*overlay, &reply));
                    released.push(overlay.to_string());
                }
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(%error, "failed to release session; continuing with the others");
                }
                Err(error) => return Err(error),
            }
        }
        self.index_orphans(&orphaned).await?;
        self.remove_instance_sessions(release, released).await
    }

    /// Removes released sessions from those that the instance may be attached to.
    async fn remove_instance_sessions(
        &self,
        release: &Release<'_>,
        overlays: Vec<String>,
    ) -> Result<(), StoreError> {
        if overlays.is_empty() {
            return Ok(());
        }
        let epoch = if release.token == 0 { self.fencing.epoch() } else { release.epoch };
        let key = keys::instance_sessions(release.instance, epoch);
        let removed = self.redis.commands(INDEX, |client| async move {
            let removed: Value = client.srem(key, overlays).await?;
            Ok(removed)
        });
        removed.await.map(|_| ())
    }

    fn attach_call(&self, attachment: &Attachment) -> Call {
        let Attachment { seed, instance, viewers } = attachment;
        Call::writing("attach")
            .keys([keys::session(seed.overlay), keys::attached_instances(seed.overlay)])
            .arg(instance)
            .arg(viewers)
            .arg(self.fencing.epoch())
            .arg(&seed.broadcaster)
            .args(settings_args(&seed.settings))
    }
}

/// The settings as the functions take them: the document, and what Lua needs of it.
pub(super) fn settings_args(stored: &VersionedSettings) -> [String; 6] {
    let settings = &stored.settings;
    [
        settings_json::encode(stored),
        stored.version.0.to_string(),
        settings.decay_speed.per_second().to_string(),
        settings.mode.as_str().to_owned(),
        settings.window().bucket_ms().to_string(),
        u8::from(settings.one_vote_each).to_string(),
    ]
}
