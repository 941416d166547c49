//! Who is alive, and what the dead left behind.
//!
//! [`RedisInstances::run`] tells Redis every ten seconds that this instance lives. Whoever is silent for thirty is
//! dead: the leader lets go of what it held, as of its last heartbeat. One that comes back begins a new epoch, and
//! holds all its sessions again before anything else; so does one whose Redis has forgotten them.

use std::time::Duration;

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use fred::interfaces::{KeysInterface, SetsInterface};
use fred::types::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::functions::Call;
use crate::held::Wanted;
use crate::keys;
use crate::leadership::RedisLeadership;
use crate::live::RedisLive;
use crate::operation::{BEAT, BURY, INDEX, TOUCH};
use crate::sessions::LettingGo;

/// A sign of life this often.
const BEAT_EVERY: Duration = Duration::from_secs(10);

/// Silent for so long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Held sessions are mentioned this often: they expire an hour after the last mention. A session costs four commands
/// each time, so this is rare.
const TOUCH_EVERY: Duration = Duration::from_mins(20);

/// After a heartbeat or a mention that failed, and at most so often when Redis is doubted.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Sessions of a dead instance that are let go at a time; between them the lease is looked at.
const BURIED_AT_ONCE: usize = 500;

/// The registry of instances, seen from one of them.
pub struct RedisInstances {
    live: RedisLive,
    leadership: RedisLeadership,
    instance: InstanceId,
    dead_after: Duration,
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
        Self { live, leadership, instance, dead_after }
    }

    /// Works until `stop`. What is still held then is for whoever stops to release.
    pub async fn run(self, stop: CancellationToken) {
        // Apart from each other: whoever clears up after many must not be taken for dead meanwhile.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep_living() => {}
            () = self.keep_burying() => {}
        }
    }

    async fn keep_living(&self) {
        let mut doubts = self.live.redis.doubts();
        let (mut beat_at, mut touch_at) = (Instant::now(), Instant::now() + TOUCH_EVERY);
        // An outage is said once.
        let (mut is_heard, mut is_kept) = (true, true);
        loop {
            tokio::select! {
                () = sleep_until(beat_at.min(touch_at)) => {}
                Ok(()) = doubts.changed() => {
                    doubts.mark_unchanged();
                    (beat_at, touch_at) = (Instant::now(), Instant::now());
                }
            }
            let began = Instant::now();
            if beat_at <= began {
                let beaten = self.beat().await;
                let next = if beaten.is_ok() { BEAT_EVERY } else { AGAIN_AFTER };
                beat_at = began + next;
                let was_heard = std::mem::replace(&mut is_heard, beaten.is_ok());
                if was_heard {
                    self.say(beaten.map(|_| ()), "this instance could not say that it lives");
                }
            }
            if touch_at <= began {
                let touched = self.touch().await;
                let next = if matches!(touched, Ok(0)) { TOUCH_EVERY } else { AGAIN_AFTER };
                touch_at = began + next;
                let were_kept = std::mem::replace(&mut is_kept, touched.is_ok());
                if were_kept {
                    self.say(touched.map(|_| ()), "sessions could not be kept alive");
                }
                // What has just been looked at is not looked at again at once.
                sleep_until(began + AGAIN_AFTER / 4).await;
            }
        }
    }

    /// A new leader looks at once.
    async fn keep_burying(&self) {
        let mut looks = interval(BEAT_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut elections = self.leadership.elections();
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                Ok(()) = elections.changed() => {}
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
        metrics::gauge!("instance_registry_size").set(f64::from(u32::try_from(living).unwrap_or(u32::MAX)));
        let (is_fresh, earlier) = (reply.word() == "fresh", self.live.standing.epoch());
        self.live.standing.set_epoch(epoch);
        if is_fresh {
            if self.hold_again(self.own()).await > 0 {
                // The next look at everything tries again.
                self.live.redis.doubt();
            }
            self.forget_registration(earlier).await;
        }
        Ok(Beat { is_fresh, living })
    }

    /// Mentions everything held, and holds again what Redis lost. Returns how many could not be held.
    pub async fn touch(&self) -> Result<usize, StoreError> {
        let own = self.own();
        self.live.keep_indices(&own).await?;
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
        Ok(self.hold_again(lost.collect()).await)
    }

    fn own(&self) -> Vec<Wanted> {
        let mut own = self.live.held.all();
        own.retain(|wanted| wanted.instance == self.instance);
        own
    }

    /// Says it until what was said is still what is wanted: an overlay may open or close meanwhile.
    async fn hold_again(&self, mut all: Vec<Wanted>) -> usize {
        if !all.is_empty() {
            info!(sessions = all.len(), "Redis did not know of our sessions any more; they are held again");
        }
        let mut failed = 0;
        while !all.is_empty() {
            failed += self.live.hold_again(&all).await;
            let (mut changed, mut closed) = (Vec::new(), Vec::new());
            for said in all {
                match self.live.held.find(said.seed.overlay, &said.instance) {
                    Some(wanted) if wanted == said => {}
                    Some(wanted) => changed.push(wanted),
                    None => closed.push(said.seed.overlay),
                }
            }
            all = changed;
            failed += self.let_go_again(&closed).await;
            if failed > 0 {
                break;
            }
        }
        failed
    }

    async fn let_go_again(&self, closed: &[OverlayId]) -> usize {
        if closed.is_empty() {
            return 0;
        }
        let epoch = self.live.standing.epoch();
        let own = LettingGo { instance: &self.instance, epoch, at: None, token: 0 };
        match self.live.let_go(closed, &own).await {
            Ok(()) => 0,
            Err(error) => {
                warn!(%error, "overlays that closed while Redis was told of them are held too long");
                closed.len()
            }
        }
    }

    /// What an earlier registration of ours was said to hold is now said of this one.
    async fn forget_registration(&self, epoch: u64) {
        if epoch == 0 || epoch == self.live.standing.epoch() {
            return;
        }
        if let Err(error) = self.drop_held_by(&self.instance, epoch).await {
            warn!(%error, "what belonged to an earlier registration stays until it expires");
        }
    }

    async fn drop_held_by(&self, instance: &InstanceId, epoch: u64) -> Result<(), StoreError> {
        let key = keys::held_by(instance, epoch);
        let dropped = self.live.redis.commands(INDEX, |client| async move {
            let removed: Value = client.del(key).await?;
            Ok(removed)
        });
        dropped.await.map(|_| ())
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
            if !self.bury(&instance, last_beat, epoch).await? {
                return Ok(buried);
            }
            buried += 1;
        }
        Ok(buried)
    }

    /// The instance leaves the registry last: whoever is interrupted leaves it for the next leader. `false` if we do
    /// not lead any more.
    async fn bury(&self, dead: &InstanceId, last_beat: &str, epoch: u64) -> Result<bool, StoreError> {
        let held_by = keys::held_by(dead, epoch);
        let held = self.live.redis.commands(BURY, |client| async move {
            let overlays: Vec<String> = client.smembers(held_by).await?;
            Ok(overlays)
        });
        let overlays: Vec<OverlayId> = held.await?.iter().filter_map(|text| text.parse().ok()).collect();
        for overlays in overlays.chunks(BURIED_AT_ONCE) {
            if !self.leadership.is_leader().await {
                return Ok(false);
            }
            let token = self.live.standing.token();
            let letting_go = LettingGo { instance: dead, epoch, at: Some(last_beat), token };
            self.live.let_go(overlays, &letting_go).await?;
        }
        if !self.leadership.is_leader().await {
            return Ok(false);
        }
        let call = Call::writing("bury").keys([keys::INSTANCES, keys::EPOCHS]).arg(dead).arg(last_beat);
        self.live.redis.call(BURY, call).await?;
        // One that came back meanwhile has another registration by now.
        self.drop_held_by(dead, epoch).await?;
        info!(instance.id = %dead, sessions = overlays.len(), "a dead instance's sessions were released");
        Ok(true)
    }

    /// Leaves the registry at shutdown, after everything held was released.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let call = Call::writing("leave").keys([keys::INSTANCES, keys::EPOCHS]).arg(&self.instance);
        self.live.redis.call(BEAT, call).await?;
        self.drop_held_by(&self.instance, self.live.standing.epoch()).await
    }
}
