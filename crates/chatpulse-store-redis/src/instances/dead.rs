//! The leader's clean-up after dead instances.

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use fred::interfaces::SetsInterface;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::{HEARTBEAT_EVERY, RedisInstances};
use crate::call::Call;
use crate::keys;
use crate::operation::DEREGISTER;
use crate::sessions::Release;

/// Sessions of a dead instance that are released at a time. The lease is checked in between.
const RELEASED_AT_ONCE: usize = 500;

impl RedisInstances {
    /// Cleans up after dead instances while this instance leads; a new leader does so at once.
    pub(super) async fn watch_dead(&self) {
        let mut ticks = interval(HEARTBEAT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut elections = self.leadership.elections();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                Ok(()) = elections.changed() => {}
            }
            if self.leadership.is_leader().await {
                let released = self.release_dead().await;
                self.log_failure(released.map(|_| ()), "failed to clean up after dead instances; retrying");
            }
        }
    }

    /// Releases the sessions of dead instances and removes those from the registry. Returns how many there were.
    pub async fn release_dead(&self) -> Result<usize, StoreError> {
        let call =
            Call::reading("list_dead").keys([keys::INSTANCES, keys::EPOCHS]).arg(self.dead_after.as_millis());
        let reply = self.live.redis.call(DEREGISTER, call).await?;
        let mut released = 0;
        for [instance, last_heartbeat, epoch] in reply.texts().as_chunks::<3>().0 {
            let (Ok(instance), Ok(epoch)) = (InstanceId::new(instance), epoch.parse()) else {
                continue;
            };
            if !self.release_instance(&instance, last_heartbeat, epoch).await? {
                return Ok(released);
            }
            released += 1;
        }
        Ok(released)
    }

    /// Releases the sessions of a dead instance. The instance leaves the registry last, so that the next leader finds it
    /// if this one is interrupted. Returns false if this instance no longer leads.
    async fn release_instance(
        &self,
        dead: &InstanceId,
        last_heartbeat: &str,
        epoch: u64,
    ) -> Result<bool, StoreError> {
        let key = keys::instance_sessions(dead, epoch);
        let sessions = self.live.redis.commands(DEREGISTER, |client| async move {
            let overlays: Vec<String> = client.smembers(key).await?;
            Ok(overlays)
        });
        let overlays: Vec<OverlayId> = sessions.await?.iter().filter_map(|text| text.parse().ok()).collect();
        for overlays in overlays.chunks(RELEASED_AT_ONCE) {
            if !self.leadership.is_leader().await {
                return Ok(false);
            }
            let token = self.live.fencing.leader();
            let release = Release { instance: dead, epoch, at: Some(last_heartbeat), token };
            self.live.release_all(overlays, &release).await?;
        }
        if !self.leadership.is_leader().await {
            return Ok(false);
        }
        let call =
            Call::writing("deregister").keys([keys::INSTANCES, keys::EPOCHS]).arg(dead).arg(last_heartbeat);
        self.live.redis.call(DEREGISTER, call).await?;
        // An instance that came back meanwhile has another registration by now.
        self.delete_session_list(dead, epoch).await?;
        info!(instance.id = %dead, sessions = overlays.len(), "released the sessions of a dead instance");
        Ok(true)
    }
}
