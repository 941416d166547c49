//! Who is alive, and what the dead left behind.
//!
//! [`RedisInstances::run`] tells Redis every ten seconds that this instance lives. Whoever is silent for thirty is
//! dead: the leader lets go of what it held, as of its last heartbeat. One that comes back begins a new epoch, and
//! holds all its sessions again before anything else; so does one whose Redis was emptied.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use fred::interfaces::{HashesInterface, KeysInterface, SetsInterface, SortedSetsInterface};
use fred::types::{Expiration, SetOptions, Value};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::functions::Call;
use crate::held::Wanted;
use crate::keys;
use crate::leadership::RedisLeadership;
use crate::live::RedisLive;
use crate::operation::{BEAT, BURY, INDEX, TOUCH};
use crate::sessions::{INDEX_KEPT, LettingGo};

/// A sign of life this often.
const BEAT_EVERY: Duration = Duration::from_secs(10);

/// After one that failed: what Redis lost is to be back a few seconds after Redis is.
const BEAT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Silent for so long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Held sessions are mentioned this often: they expire an hour after the last mention.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// The registry of instances, seen from one of them.
pub struct RedisInstances {
    live: RedisLive,
    leadership: RedisLeadership,
    instance: InstanceId,
    dead_after: Duration,
    /// A fresh registration whose sessions are not all held again yet.
    owes_sessions: AtomicBool,
}

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Redis did not know us, or had given us up: everything held was said again.
    pub is_fresh: bool,
    /// Living instances, this one included.
    pub living: u64,
}

impl RedisInstances {
    /// For this process; says nothing yet.
    pub fn new(live: RedisLive, leadership: RedisLeadership, instance: InstanceId) -> Self {
        Self::with_dead_after(live, leadership, instance, DEAD_AFTER)
    }

    /// With another span; for tests.
    pub fn with_dead_after(
        live: RedisLive,
        leadership: RedisLeadership,
        instance: InstanceId,
        dead_after: Duration,
    ) -> Self {
        Self { live, leadership, instance, dead_after, owes_sessions: AtomicBool::new(false) }
    }

    /// Works until `stop`. What is still held then is for whoever stops to release; a new leader sweeps at once.
    pub async fn run(self, stop: CancellationToken) {
        let mut beats = interval(BEAT_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut elections = self.leadership.elections();
        let mut reachable = self.live.redis.reachable();
        let mut reconnections = self.live.redis.reconnections();
        let mut touched_at = Instant::now();
        // An outage is said once.
        let mut is_heard = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beats.tick() => {
                    let beat = self.beat().await;
                    let was_heard = std::mem::replace(&mut is_heard, beat.is_ok());
                    if beat.is_err() {
                        beats.reset_after(BEAT_AGAIN_AFTER);
                        if was_heard {
                            self.say(beat.map(|_| ()), "this instance could not say that it lives");
                        }
                        continue;
                    }
                    if touched_at.elapsed() >= TOUCH_EVERY {
                        touched_at = Instant::now();
                        self.say(self.touch().await, "sessions could not be kept alive");
                    }
                }
                Ok(()) = elections.changed() => {}
                // It may have come back empty: what is open here must not wait for the next beat.
                Ok(_) | Err(RecvError::Lagged(_)) = reconnections.recv() => beats.reset_immediately(),
                Ok(()) = reachable.changed() => {
                    if *reachable.borrow_and_update() {
                        beats.reset_immediately();
                    }
                }
            }
            if self.leadership.is_leader().await {
                self.say(self.sweep().await.map(|_| ()), "dead instances could not be cleared up after");
            }
        }
    }

    fn say(&self, done: Result<(), StoreError>, what: &str) {
        if let Err(error) = done {
            warn!(%error, instance.id = %self.instance, "{what}; it is tried again");
        }
    }

    /// One sign of life. A fresh registration first holds everything again.
    pub async fn beat(&self) -> Result<Beat, StoreError> {
        let call = Call::writing("beat")
            .keys([keys::INSTANCES, keys::EPOCHS])
            .arg(&self.instance)
            .arg(self.dead_after.as_millis());
        let reply = self.live.redis.call(BEAT, call).await?;
        let number = |index| reply.number::<u64>(index, "instances").map_err(|failure| failure.during(BEAT));
        let (epoch, living) = (number(1)?, number(2)?);
        self.live.standing.set_epoch(epoch);
        metrics::gauge!("instance_registry_size").set(f64::from(u32::try_from(living).unwrap_or(u32::MAX)));
        let is_fresh = reply.word() == "fresh";
        if is_fresh {
            self.owes_sessions.store(true, Ordering::SeqCst);
        }
        // Also what an earlier beat could not finish.
        if self.owes_sessions.load(Ordering::SeqCst) {
            self.hold_again(self.own()).await?;
            self.owes_sessions.store(false, Ordering::SeqCst);
        }
        Ok(Beat { is_fresh, living })
    }

    /// Mentions everything held, and holds again what Redis lost.
    pub async fn touch(&self) -> Result<(), StoreError> {
        let own = self.own();
        self.touch_indices(&own).await?;
        let epoch = self.live.standing.epoch();
        let calls = own.iter().map(|wanted| {
            let overlay = wanted.seed.overlay;
            Call::writing("touch")
                .keys([keys::session(overlay), keys::holders(overlay)])
                .arg(&wanted.instance)
                .arg(epoch)
        });
        let replies = self.live.redis.call_all(TOUCH, calls.collect()).await?;
        let lost = own.into_iter().zip(replies).filter_map(|(wanted, reply)| {
            let is_lost = reply.is_ok_and(|reply| reply.word() == "lost");
            is_lost.then_some(wanted)
        });
        self.hold_again(lost.collect()).await
    }

    /// The chat's index is only kept, never turned: another session of the streamer may be the newer.
    async fn touch_indices(&self, own: &[Wanted]) -> Result<(), StoreError> {
        let entries: Vec<(String, String)> = own
            .iter()
            .map(|wanted| (keys::broadcaster(&wanted.seed.broadcaster), wanted.seed.overlay.to_string()))
            .collect();
        let kept_ms = i64::try_from(INDEX_KEPT.as_millis()).unwrap_or(i64::MAX);
        let held_by = keys::held_by(&self.instance);
        for entries in entries.chunks(250) {
            let (entries, held_by) = (entries.to_vec(), held_by.clone());
            let kept = self.live.redis.commands(INDEX, |client| async move {
                let pipeline = client.pipeline();
                for (broadcaster, overlay) in entries {
                    let expiration = Some(Expiration::PX(kept_ms));
                    let missing = Some(SetOptions::NX);
                    let _: Value =
                        pipeline.set(&broadcaster, overlay.as_str(), expiration, missing, false).await?;
                    let _: Value = pipeline.pexpire(broadcaster, kept_ms, None).await?;
                    let _: Value = pipeline.sadd(&held_by, overlay).await?;
                }
                let _: Value = pipeline.pexpire(held_by, kept_ms, None).await?;
                pipeline.all::<Value>().await
            });
            kept.await?;
        }
        Ok(())
    }

    fn own(&self) -> Vec<Wanted> {
        let mut own = self.live.held.all();
        own.retain(|wanted| wanted.instance == self.instance);
        own
    }

    async fn hold_again(&self, all: Vec<Wanted>) -> Result<(), StoreError> {
        if !all.is_empty() {
            info!(sessions = all.len(), "Redis did not know of our sessions any more; they are held again");
        }
        for wanted in all {
            self.hold_as_wanted(wanted).await?;
        }
        Ok(())
    }

    /// Says it until what was said is still what is wanted: an overlay may open or close meanwhile.
    async fn hold_as_wanted(&self, mut said: Wanted) -> Result<(), StoreError> {
        loop {
            let (overlay, instance) = (said.seed.overlay, said.instance.clone());
            self.live.hold_wanted(&said.seed, &instance, said.viewers).await?;
            match self.live.held.find(overlay, &instance) {
                Some(wanted) if wanted == said => return Ok(()),
                Some(wanted) => said = wanted,
                None => {
                    let own = LettingGo { epoch: self.live.standing.epoch(), at: None, token: 0 };
                    return self.live.let_go(overlay, &instance, &own).await;
                }
            }
        }
    }

    /// Lets go of what dead instances held. Returns how many were buried.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let call =
            Call::reading("dead").keys([keys::INSTANCES, keys::EPOCHS]).arg(self.dead_after.as_millis());
        let reply = self.live.redis.call(BURY, call).await?;
        let mut buried = 0;
        for [instance, last_beat, epoch] in reply.texts().as_chunks::<3>().0 {
            let (Ok(instance), Ok(epoch)) = (InstanceId::new(instance), epoch.parse()) else {
                continue;
            };
            if !self.leadership.is_leader().await {
                return Ok(buried);
            }
            self.bury(&instance, last_beat, epoch).await?;
            buried += 1;
        }
        Ok(buried)
    }

    /// The instance leaves the registry last: whoever is interrupted leaves it for the next leader.
    async fn bury(&self, dead: &InstanceId, last_beat: &str, epoch: u64) -> Result<(), StoreError> {
        let held_by = keys::held_by(dead);
        let held = self.live.redis.commands(BURY, |client| async move {
            let overlays: Vec<String> = client.smembers(held_by).await?;
            Ok(overlays)
        });
        let overlays: Vec<OverlayId> = held.await?.iter().filter_map(|text| text.parse().ok()).collect();
        let token = self.live.standing.token();
        for overlay in &overlays {
            let letting_go = LettingGo { epoch, at: Some(last_beat), token };
            self.live.let_go(*overlay, dead, &letting_go).await?;
        }
        let call = Call::writing("bury").keys([keys::INSTANCES, keys::EPOCHS]).arg(dead).arg(last_beat);
        self.live.redis.call(BURY, call).await?;
        info!(instance.id = %dead, sessions = overlays.len(), "a dead instance's sessions were released");
        Ok(())
    }

    /// Leaves the registry at shutdown, after everything held was released.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let instance = self.instance.as_str().to_owned();
        let left = self.live.redis.commands(BEAT, |client| async move {
            let pipeline = client.pipeline();
            let _: Value = pipeline.zrem(keys::INSTANCES, instance.as_str()).await?;
            let _: Value = pipeline.hdel(keys::EPOCHS, instance).await?;
            pipeline.all::<Value>().await
        });
        left.await.map(|_| ())
    }
}
