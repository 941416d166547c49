//! Which shard is ours: asked for anew well within its lease, whatever the worker is busy with.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardPlace};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::TwitchFeed;
use crate::config::Transport;

/// Thrice within a lease.
const HOLD_EVERY: Duration = Duration::from_secs(10);

/// The lease says it at once, whoever asks.
const LOOK_WHO_LEADS_EVERY: Duration = Duration::from_secs(1);

/// Keeps a feed's place up to date.
pub(super) struct PlaceKeeper {
    pub(super) feed: TwitchFeed,
    pub(super) leadership: Arc<dyn Leadership>,
    pub(super) shards: Arc<dyn ShardLeases>,
}

impl PlaceKeeper {
    /// For as long as it is polled.
    pub(super) async fn run(self, transport: &Transport) {
        match transport {
            Transport::WebSocket => self.keep_own().await,
            Transport::Webhook { .. } => self.point_when_leading().await,
        }
    }

    /// A shard for each instance.
    async fn keep_own(&self) {
        let mut looks = interval(HOLD_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut place: Option<ShardPlace> = None;
        let mut led = self.leadership.is_leader().await;
        loop {
            looks.tick().await;
            let leads = self.leadership.is_leader().await;
            if leads && !led {
                // Whoever led before may have left a shard too many.
                self.feed.doubt_shard();
            }
            led = leads;
            if self.feed.lock().is_long_down() {
                if place.take().is_some()
                    && let Err(error) = self.shards.give_up().await
                {
                    warn!(%error, "the shard of this instance, which has no socket, could not be given up yet");
                }
                continue;
            }
            match self.shards.hold().await {
                Ok(held) => {
                    self.note(place.replace(held), held);
                }
                Err(error) => warn!(%error, "this instance could not say that its shard is still its own"),
            }
        }
    }

    fn note(&self, before: Option<ShardPlace>, now: ShardPlace) {
        if before == Some(now) || (before.is_none() && now == ShardPlace::SOLE) {
            return;
        }
        info!(shard = now.index, shards = now.count, "this instance has a shard of the conduit");
        if before.is_some_and(|before| before.index != now.index) {
            self.feed.assign_again();
        }
        self.feed.doubt_shard();
    }

    /// One shard for all, since they have one address. A new leader may know a newer secret.
    async fn point_when_leading(&self) {
        let mut looks = interval(LOOK_WHO_LEADS_EVERY);
        let mut led = self.leadership.is_leader().await;
        loop {
            looks.tick().await;
            let leads = self.leadership.is_leader().await;
            if leads && !led {
                self.feed.assign_again();
            }
            led = leads;
        }
    }
}
