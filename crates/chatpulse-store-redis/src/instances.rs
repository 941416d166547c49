//! The registry of instances.
//!
//! [`RedisInstances::run`] sends a heartbeat every ten seconds. An instance that is silent for thirty is dead, and the
//! leader releases its sessions as of its last heartbeat (`dead.rs`). An instance that comes back begins a new epoch
//! and attaches to all its sessions again first; so does one whose sessions Redis lost.

use std::time::Duration;

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use fred::interfaces::KeysInterface;
use fred::types::Value;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::attachments::Attachment;
use crate::call::Call;
use crate::keys;
use crate::leadership::RedisLeadership;
use crate::live::RedisLive;
use crate::operation::{HEARTBEAT, INDEX, TOUCH};
use crate::sessions::Release;

mod dead;

const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);

/// Silence after which an instance is dead.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// How often sessions and index entries are refreshed. They expire an hour after the last refresh, and each session
/// costs four commands, so this is rare.
const REFRESH_EVERY: Duration = Duration::from_mins(20);

/// Pause after a failed heartbeat or refresh, and between checks for a suspected state loss.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The registry, seen from one instance.
pub struct RedisInstances {
    live: RedisLive,
    leadership: RedisLeadership,
    instance: InstanceId,
    dead_after: Duration,
}

/// The result of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Redis did not know this instance, or had declared it dead. It is registered anew and attached to its sessions.
    pub registered: bool,
    /// Number of living instances, this one included.
    pub living: u64,
}

impl RedisInstances {
    /// For this process; sends nothing yet.
    pub fn new(live: RedisLive, leadership: RedisLeadership, instance: InstanceId) -> Self {
        Self::with_dead_after(live, leadership, instance, DEAD_AFTER)
    }

    /// With another time until an instance is dead; for tests.
    pub fn with_dead_after(
        live: RedisLive,
        leadership: RedisLeadership,
        instance: InstanceId,
        dead_after: Duration,
    ) -> Self {
        Self { live, leadership, instance, dead_after }
    }

    /// Sends heartbeats, and cleans up after dead instances while this one leads, until `stop`. Sessions stay
    /// attached until they are released.
    pub async fn run(self, stop: CancellationToken) {
        // Concurrent, so that a long clean-up does not delay heartbeats.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep_alive() => {}
            () = self.watch_dead() => {}
        }
    }

    async fn keep_alive(&self) {
        let mut state_losses = self.live.redis.state_losses();
        let (mut heartbeat_at, mut refresh_at) = (Instant::now(), Instant::now() + REFRESH_EVERY);
        // Only the first failure of an outage is logged.
        let (mut heartbeat_ok, mut refresh_ok) = (true, true);
        loop {
            tokio::select! {
                () = sleep_until(heartbeat_at.min(refresh_at)) => {}
                Ok(()) = state_losses.changed() => {
                    state_losses.mark_unchanged();
                    (heartbeat_at, refresh_at) = (Instant::now(), Instant::now());
                }
            }
            let began = Instant::now();
            if heartbeat_at <= began {
                let sent = self.heartbeat().await;
                heartbeat_at = began + if sent.is_ok() { HEARTBEAT_EVERY } else { RETRY_AFTER };
                if std::mem::replace(&mut heartbeat_ok, sent.is_ok()) {
                    self.log_failure(sent.map(|_| ()), "heartbeat failed; retrying");
                }
            }
            if refresh_at <= began {
                let refreshed = self.refresh().await;
                refresh_at = began + if matches!(refreshed, Ok(0)) { REFRESH_EVERY } else { RETRY_AFTER };
                if std::mem::replace(&mut refresh_ok, refreshed.is_ok()) {
                    self.log_failure(refreshed.map(|_| ()), "failed to refresh sessions; retrying");
                }
                // A reader that keeps finding the same session missing does not cause a refresh each time.
                sleep_until(began + RETRY_AFTER / 4).await;
            }
        }
    }

    fn log_failure(&self, done: Result<(), StoreError>, what: &str) {
        if let Err(error) = done {
            warn!(%error, instance.id = %self.instance, "{what}");
        }
    }

    /// Sends one heartbeat. If it registers this instance anew, attaches to all its sessions again.
    pub async fn heartbeat(&self) -> Result<Heartbeat, StoreError> {
        let call = Call::writing("heartbeat")
            .keys([keys::INSTANCES, keys::EPOCHS])
            .arg(&self.instance)
            .arg(self.dead_after.as_millis());
        let reply = self.live.redis.call(HEARTBEAT, call).await?;
        let number =
            |index| reply.number::<u64>(index, "instances").map_err(|failure| failure.during(HEARTBEAT));
        let (epoch, living) = (number(1)?, number(2)?);
        metrics::gauge!("instance_registry_size").set(f64::from(u32::try_from(living).unwrap_or(u32::MAX)));
        let (registered, earlier_epoch) = (reply.word() == "registered", self.live.fencing.epoch());
        self.live.fencing.set_epoch(epoch);
        if registered {
            if self.reattach(self.live.attachments.of(&self.instance)).await > 0 {
                // Makes the next refresh try again.
                self.live.redis.suspect_state_loss();
            }
            self.delete_earlier_session_list(earlier_epoch).await;
        }
        Ok(Heartbeat { registered, living })
    }

    /// Extends the TTL of all attached sessions and their index entries, and attaches again to sessions that Redis
    /// lost. Returns how many of those failed.
    pub async fn refresh(&self) -> Result<usize, StoreError> {
        let own = self.live.attachments.of(&self.instance);
        self.live.refresh_entries(&own).await?;
        let epoch = self.live.fencing.epoch();
        let calls = own.iter().map(|attachment| {
            let overlay = attachment.seed.overlay;
            Call::writing("touch")
                .keys([keys::session(overlay), keys::attached_instances(overlay)])
                .arg(&attachment.instance)
                .arg(epoch)
        });
        let replies = self.live.redis.call_all(TOUCH, calls.collect()).await?;
        let lost = own.into_iter().zip(replies).filter_map(|(attachment, reply)| {
            let is_lost = reply.is_ok_and(|reply| reply.word() == "lost");
            is_lost.then_some(attachment)
        });
        Ok(self.reattach(lost.collect()).await)
    }

    /// Attaches again, and repeats it for sessions that changed or closed meanwhile. Returns how many failed.
    async fn reattach(&self, mut attachments: Vec<Attachment>) -> usize {
        if !attachments.is_empty() {
            info!(sessions = attachments.len(), "restoring sessions that Redis lost");
        }
        let mut failed = 0;
        while !attachments.is_empty() {
            failed += self.live.reattach(&attachments).await;
            let (mut changed, mut closed) = (Vec::new(), Vec::new());
            for sent in attachments {
                match self.live.attachments.find(sent.seed.overlay, &sent.instance) {
                    Some(current) if current == sent => {}
                    Some(current) => changed.push(current),
                    None => closed.push(sent.seed.overlay),
                }
            }
            attachments = changed;
            failed += self.release_closed(&closed).await;
            if failed > 0 {
                break;
            }
        }
        failed
    }

    async fn release_closed(&self, closed: &[OverlayId]) -> usize {
        if closed.is_empty() {
            return 0;
        }
        match self.live.release_all(closed, &Release::by_instance(&self.instance)).await {
            Ok(()) => 0,
            Err(error) => {
                warn!(%error, sessions = closed.len(), "failed to release sessions that closed while they were restored");
                closed.len()
            }
        }
    }

    /// Deletes the session list of an earlier registration; the current registration has a list of its own.
    async fn delete_earlier_session_list(&self, epoch: u64) {
        if epoch == 0 || epoch == self.live.fencing.epoch() {
            return;
        }
        if let Err(error) = self.delete_session_list(&self.instance, epoch).await {
            warn!(%error, "failed to delete the session list of an earlier registration; it expires");
        }
    }

    async fn delete_session_list(&self, instance: &InstanceId, epoch: u64) -> Result<(), StoreError> {
        let key = keys::instance_sessions(instance, epoch);
        let deleted = self.live.redis.commands(INDEX, |client| async move {
            let removed: Value = client.del(key).await?;
            Ok(removed)
        });
        deleted.await.map(|_| ())
    }

    /// Leaves the registry at shutdown, after all sessions were released.
    pub async fn deregister(&self) -> Result<(), StoreError> {
        let call =
            Call::writing("deregister").keys([keys::INSTANCES, keys::EPOCHS]).arg(&self.instance).arg("");
        self.live.redis.call(HEARTBEAT, call).await?;
        self.delete_session_list(&self.instance, self.live.fencing.epoch()).await
    }
}
