//! Which shard is ours: the lease is renewed in time, whatever the worker is busy with.

use std::time::Duration;

use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::TwitchFeed;

/// Three times within a lease.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Renews the slot of an instance that has a socket of its own, for as long as it is polled.
pub(super) async fn renew(feed: &TwitchFeed, leases: &dyn ShardLeases) {
    let mut rounds = interval(RENEW_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut slot: Option<ShardSlot> = None;
    loop {
        rounds.tick().await;
        if feed.lock().shard.is_left(Instant::now()) {
            if slot.take().is_some()
                && let Err(error) = leases.release().await
            {
                warn!(%error, "failed to release the shard of this instance, which has no socket");
            }
            continue;
        }
        match leases.acquire().await {
            Ok(acquired) => compare(feed, slot.replace(acquired), acquired),
            Err(error) => warn!(%error, "failed to renew the lease of this instance's shard"),
        }
    }
}

fn compare(feed: &TwitchFeed, before: Option<ShardSlot>, now: ShardSlot) {
    if before == Some(now) || (before.is_none() && now == ShardSlot::SOLE) {
        return;
    }
    info!(shard = now.index, shards = now.count, "this instance has a shard of the conduit");
    if before.is_some_and(|before| before.index != now.index) {
        feed.assign_shard_again();
    }
    feed.check_shard();
}
