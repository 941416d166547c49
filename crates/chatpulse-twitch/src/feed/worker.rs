//! The task behind the feed. Read [`FeedWorker::turn`]: the shard first, then whatever chat is due.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::ShardLeases;
use chatpulse_domain::ports::signals::Signals;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::conduit::Conduits;
use super::shard::ShardTransport;
use super::shard::assign::ShardAssigner;
use super::subscribe::Subscriber;
use super::{TwitchFeed, slot};
use crate::config::{Transport, TwitchConfig};
use crate::helix::Helix;
use crate::helix::conduits::ConduitApi;
use crate::helix::subscriptions::SubscriptionApi;

/// The longest pause between two turns.
const TURN_EVERY: Duration = Duration::from_mins(1);

/// How soon an instance notices that it began to lead.
const CHECK_LEADERSHIP_EVERY: Duration = Duration::from_secs(1);

/// Keeps the conduit, this instance's shard and the subscriptions as they should be.
pub struct FeedWorker {
    feed: TwitchFeed,
    transport: Transport,
    leadership: Arc<dyn Leadership>,
    shards: Arc<dyn ShardLeases>,
    shard: ShardAssigner,
    subscriber: Subscriber,
}

/// What the feed works with.
#[derive(Clone)]
pub struct FeedPorts {
    /// What is subscribed, and which conduit is ours.
    pub records: Arc<dyn SubscriptionRepository>,
    /// Reaches the other instances.
    pub signals: Arc<dyn Signals>,
    /// The leader creates the conduit and corrects what differs from Twitch's list.
    pub leadership: Arc<dyn Leadership>,
    /// Which shard is ours, where each instance has a socket.
    pub shards: Arc<dyn ShardLeases>,
}

impl FeedWorker {
    /// The worker, to be run by its owner, and the handle for everybody else.
    pub fn new(helix: Arc<Helix>, ports: FeedPorts, config: &TwitchConfig) -> (Self, TwitchFeed) {
        Self::with_api(Arc::clone(&helix) as _, helix, ports, config.transport.clone())
    }

    fn with_api(
        conduits: Arc<dyn ConduitApi>,
        subscriptions: Arc<dyn SubscriptionApi>,
        FeedPorts { records, signals, leadership, shards }: FeedPorts,
        transport: Transport,
    ) -> (Self, TwitchFeed) {
        let feed = TwitchFeed::new(signals, Arc::clone(&records));
        if matches!(transport, Transport::Webhook { .. }) {
            feed.lock().shard.connected(ShardTransport::Webhook, Instant::now());
        }
        let conduits = Conduits::new(conduits, Arc::clone(&records), Arc::clone(&leadership));
        let worker = Self {
            shard: ShardAssigner::new(
                feed.clone(),
                conduits,
                Arc::clone(&leadership),
                Arc::clone(&shards),
                transport.clone(),
            ),
            subscriber: Subscriber::new(feed.clone(), subscriptions, records, Arc::clone(&leadership)),
            feed: feed.clone(),
            transport,
            leadership,
            shards,
        };
        (worker, feed)
    }

    /// Works until `stop`. To be run only once the listener is up: Twitch's challenge must find it.
    pub async fn run(mut self, stop: CancellationToken) {
        let (feed, leadership) = (self.feed.clone(), Arc::clone(&self.leadership));
        let (transport, shards) = (self.transport.clone(), Arc::clone(&self.shards));
        let renewing = async {
            match transport {
                Transport::WebSocket => slot::renew(&feed, shards.as_ref()).await,
                // All instances share one shard, since they have one address.
                Transport::Webhook { .. } => std::future::pending().await,
            }
        };
        let turns = async {
            loop {
                self.turn().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = feed.listen() => {}
            () = watch_leadership(&feed, leadership.as_ref(), &transport) => {}
            () = renewing => {}
            () = turns => {}
        }
    }

    async fn turn(&mut self) {
        if self.shard.run_due().await {
            self.subscriber.reconcile_now();
        }
        self.subscriber.announce().await;
        if let Some(conduit) = self.shard.conduit().cloned() {
            self.subscriber.run_due(&conduit).await;
        }
        tokio::select! {
            () = self.feed.shared.wake.notified() => {}
            () = tokio::time::sleep_until(self.next_turn()) => {}
        }
    }

    fn next_turn(&self) -> Instant {
        let (is_pressing, leftovers_at) = {
            let state = self.feed.lock();
            (state.shard.is_pressing(), state.leftovers_at)
        };
        // Without a conduit there is nothing to subscribe on, and an urgent shard comes first.
        let is_subscribing = self.shard.conduit().is_some() && !is_pressing;
        let chats_at = is_subscribing.then(|| self.subscriber.next_at());
        let next = [self.shard.next_at(), chats_at, leftovers_at].into_iter().flatten().min();
        let latest = Instant::now() + TURN_EVERY;
        next.map_or(latest, |at| at.min(latest))
    }
}

/// Notices that this instance began to lead.
async fn watch_leadership(feed: &TwitchFeed, leadership: &dyn Leadership, transport: &Transport) {
    let mut rounds = interval(CHECK_LEADERSHIP_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut led_before = None;
    loop {
        rounds.tick().await;
        let is_leader = leadership.is_leader().await;
        let led = led_before.replace(is_leader);
        if !is_leader || led == Some(true) {
            continue;
        }
        feed.look_for_leftovers();
        match transport {
            // At the start it is assigned anyway.
            _ if led.is_none() => {}
            // This instance may know a newer secret.
            Transport::Webhook { .. } => feed.assign_shard_again(),
            // The leader before may have left a shard too many.
            Transport::WebSocket => feed.check_shard(),
        }
    }
}

#[cfg(test)]
mod tests;
