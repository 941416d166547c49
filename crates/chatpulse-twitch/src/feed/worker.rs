//! The task behind the feed. Read [`FeedWorker::turn`]: shard first, then whatever channel is due.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ConduitId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::ShardLeases;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use twitch_api::eventsub::Transport as ApiTransport;

use super::place::PlaceKeeper;
use super::{Revocation, ShardState, ShardTransport, TwitchFeed};
use crate::backoff::Backoff;
use crate::config::{Transport, TwitchConfig};
use crate::error::TwitchError;
use crate::helix::Helix;

/// How often an enabled shard is asked about: Twitch may disable it without a word.
const LOOK_AT_SHARD_EVERY: Duration = Duration::from_mins(1);

/// How often our subscriptions are compared with Twitch's list.
const RECONCILE_EVERY: Duration = Duration::from_mins(10);

/// After Twitch ended something: the word about it, or about another one, may be late.
const RECONCILE_SOON: Duration = Duration::from_secs(10);

/// After a comparison that failed, and at most so often for the sake of many chats at once.
const RECONCILE_AGAIN: Duration = Duration::from_secs(30);

/// So many chats that are due are worth a look at Twitch's list.
const MANY: usize = 20;

/// A socket has so long to connect before anything is done without it.
const SOCKET_FIRST: Duration = Duration::from_secs(5);

/// Twitch has this long to verify a webhook shard.
const VERIFIED_WITHIN: Duration = Duration::from_secs(20);

/// Whether it has is asked soon at first, then once a second.
const FIRST_ASKED_AFTER: Duration = Duration::from_millis(100);

/// Keeps shard and subscriptions as they should be.
pub struct FeedWorker {
    pub(super) feed: TwitchFeed,
    pub(super) helix: Arc<Helix>,
    pub(super) records: Arc<dyn SubscriptionRepository>,
    pub(super) signals: Arc<dyn Signals>,
    pub(super) leadership: Arc<dyn Leadership>,
    pub(super) shards: Arc<dyn ShardLeases>,
    pub(super) config: TwitchConfig,
    pub(super) conduit: Option<ConduitId>,
    /// Our shard, as it was assigned last.
    pub(super) shard: u32,
    setup_backoff: Backoff,
    setup_at: Instant,
    /// What was tried last: a new socket session has ten seconds, so it never waits out an older one's backoff.
    tried: Option<ShardTransport>,
    look_at: Instant,
    reconcile_at: Instant,
    reconciled_at: Option<Instant>,
    /// Out of points: all our requests share one bucket, so none is made before.
    pub(super) paused_until: Instant,
}

/// What the feed works with.
pub struct FeedPorts {
    /// What is subscribed, and which conduit is ours.
    pub records: Arc<dyn SubscriptionRepository>,
    /// Tells the other instances.
    pub signals: Arc<dyn Signals>,
    /// Whoever leads makes the conduit and mends what differs from Twitch's list.
    pub leadership: Arc<dyn Leadership>,
    /// Which shard is ours, where each instance has a socket.
    pub shards: Arc<dyn ShardLeases>,
}

/// Why the shard is not set up yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    #[error(transparent)]
    Twitch(#[from] TwitchError),
    #[error("which conduit and shard are ours could not be read or written")]
    Store(#[from] StoreError),
    #[error("the leading instance has not made the conduit yet")]
    NotMadeYet,
    #[error("another instance has made the conduit")]
    MadeElsewhere,
    #[error("Twitch did not verify the webhook: the shard is `{0}`")]
    NotVerified(String),
    #[error(
        "this client id has as many conduits as Twitch allows; delete one that nobody uses, or use another client id"
    )]
    ConduitLimit,
}

impl FeedWorker {
    /// The worker, to be run by its owner, and the handle for everybody else.
    pub fn new(helix: Arc<Helix>, ports: FeedPorts, config: TwitchConfig) -> (Self, TwitchFeed) {
        let feed = TwitchFeed::new();
        if matches!(config.transport, Transport::Webhook { .. }) {
            feed.lock().set_shard(ShardState::ToAssign(ShardTransport::Webhook));
        }
        let now = Instant::now();
        let worker = Self {
            feed: feed.clone(),
            helix,
            records: ports.records,
            signals: ports.signals,
            leadership: ports.leadership,
            shards: ports.shards,
            config,
            conduit: None,
            shard: 0,
            setup_backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(30)),
            setup_at: now + SOCKET_FIRST,
            tried: None,
            look_at: now,
            reconcile_at: now,
            reconciled_at: None,
            paused_until: now,
        };
        (worker, feed)
    }

    /// Works until `stop`. Runs only once the listener is up: Twitch's challenge must find it.
    pub async fn run(mut self, stop: CancellationToken) {
        let place = PlaceKeeper {
            feed: self.feed.clone(),
            leadership: Arc::clone(&self.leadership),
            shards: Arc::clone(&self.shards),
        };
        let transport = self.config.transport.clone();
        let turns = async {
            loop {
                self.turn().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = place.run(&transport) => {}
            () = turns => {}
        }
    }

    async fn turn(&mut self) {
        self.keep_shard().await;
        self.tell_what_ended().await;
        self.tell_refusals().await;
        self.keep_channels().await;
        let next = self.next_step();
        tokio::select! {
            () = self.feed.shared.wake.notified() => {}
            () = tokio::time::sleep_until(next) => {}
        }
    }

    fn next_step(&self) -> Instant {
        let state = self.feed.lock();
        let far = Instant::now() + LOOK_AT_SHARD_EVERY;
        match state.shard {
            ShardState::ToAssign(_) => self.setup_at,
            ShardState::Down if self.conduit.is_none() => self.setup_at.min(far),
            ShardState::Down | ShardState::Enabled(_) => {
                let channels = state.channels.values().filter_map(super::Channel::due_at);
                let next = channels.min().unwrap_or(far).min(self.reconcile_at).max(self.paused_until);
                // Only a shard that is enabled is looked at.
                if state.shard == ShardState::Down { next } else { next.min(self.look_at) }
            }
        }
    }

    async fn keep_shard(&mut self) {
        let (shard, is_urgent) = {
            let mut state = self.feed.lock();
            (state.shard.clone(), std::mem::take(&mut state.is_urgent))
        };
        if is_urgent {
            (self.look_at, self.setup_at) = (Instant::now(), Instant::now());
        }
        match shard {
            ShardState::ToAssign(transport) if self.is_due(&transport) => self.set_up(transport).await,
            ShardState::Enabled(_) if self.look_at <= Instant::now() => self.look_at_shard().await,
            // Without a socket of its own it still looks after the chats: others may have one.
            ShardState::Down if self.conduit.is_none() && self.setup_at <= Instant::now() => {
                self.look_for_conduit().await;
            }
            ShardState::Down | ShardState::ToAssign(_) | ShardState::Enabled(_) => {}
        }
    }

    fn is_due(&self, transport: &ShardTransport) -> bool {
        self.setup_at <= Instant::now() || self.tried.as_ref() != Some(transport)
    }

    async fn set_up(&mut self, transport: ShardTransport) {
        self.tried = Some(transport.clone());
        let assigned_anew = self.feed.lock().assigned_anew;
        let before = self.conduit.as_ref().map(|_| self.shard);
        match self.assign(&transport).await {
            Ok(conduit) => {
                let now = Instant::now();
                self.setup_backoff.reset();
                // A session that moves to another socket is assigned again at once, and the shard that was left may be the
                // one too many.
                let has_moved = before.is_some_and(|before| before != self.shard);
                let look_at = if has_moved { now } else { now + LOOK_AT_SHARD_EVERY };
                (self.setup_at, self.look_at, self.reconcile_at) = (now, look_at, now);
                let mut state = self.feed.lock();
                // The socket may have gone, or another come, while Twitch was asked.
                let is_last = state.assigned_anew == assigned_anew;
                if is_last && state.shard == ShardState::ToAssign(transport.clone()) {
                    state.set_shard(ShardState::Enabled(transport));
                    info!(conduit.id = %conduit, "connected to Twitch");
                }
            }
            Err(error) => self.note_setup_failed(&error),
        }
    }

    async fn look_for_conduit(&mut self) {
        let looked = async { self.conduit_for(self.place().await?).await };
        match looked.await {
            Ok(conduit) => {
                self.setup_backoff.reset();
                self.conduit = Some(conduit);
            }
            Err(error) => self.note_setup_failed(&error),
        }
    }

    fn note_setup_failed(&mut self, error: &SetupError) {
        let wait = self.setup_backoff.wait();
        self.setup_at = Instant::now() + wait;
        if matches!(error, SetupError::NotMadeYet | SetupError::MadeElsewhere) {
            return info!(retry_in_ms = wait.as_millis(), "not connected to Twitch yet: {error}");
        }
        metrics::counter!("eventsub_setup_failures_total").increment(1);
        warn!(%error, retry_in_ms = wait.as_millis(), "not connected to Twitch, so no chat is read; trying again");
    }

    async fn assign(&mut self, transport: &ShardTransport) -> Result<ConduitId, SetupError> {
        let place = self.place().await?;
        let conduit = self.conduit_for(place).await?;
        (self.conduit, self.shard) = (Some(conduit.clone()), place.index);
        let to = match (transport, &self.config.transport) {
            // Whoever leads points it at our address; each time, Twitch verifies it anew.
            (ShardTransport::Webhook, _) if !self.leadership.is_leader().await => None,
            (ShardTransport::Webhook, Transport::Webhook { callback, secret }) => {
                Some(ApiTransport::webhook(callback, secret.expose().to_owned()))
            }
            (ShardTransport::Socket { session_id }, _) => Some(ApiTransport::websocket(session_id)),
            (ShardTransport::Webhook, Transport::WebSocket) => return Ok(conduit),
        };
        let status = match to {
            Some(to) => self.helix.assign_shard(&conduit, place.index, to).await?,
            None => self.status_of_shard(&conduit).await?,
        };
        self.await_enabled(&conduit, status).await?;
        Ok(conduit)
    }

    async fn status_of_shard(&self, conduit: &ConduitId) -> Result<String, TwitchError> {
        Ok(self.helix.shard_status(conduit, self.shard).await?.unwrap_or_default())
    }

    /// A socket is enabled at once; a webhook only when Twitch has got its challenge back.
    async fn await_enabled(&self, conduit: &ConduitId, mut status: String) -> Result<(), SetupError> {
        let (deadline, mut pause) = (Instant::now() + VERIFIED_WITHIN, FIRST_ASKED_AFTER);
        while status == "webhook_callback_verification_pending" || status.is_empty() {
            if Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(Duration::from_secs(1));
            status = self.status_of_shard(conduit).await?;
        }
        if status == "enabled" { Ok(()) } else { Err(SetupError::NotVerified(status)) }
    }

    async fn look_at_shard(&mut self) {
        self.look_at = Instant::now() + LOOK_AT_SHARD_EVERY;
        let Some(conduit) = self.conduit.clone() else {
            return self.feed.assign_again();
        };
        match self.helix.shard_status(&conduit, self.shard).await {
            Ok(Some(status)) if status == "enabled" => {}
            Ok(status) => {
                warn!(?status, "Twitch has disabled our shard; taking it back");
                return self.feed.assign_again();
            }
            Err(TwitchError::NotFound(_)) => {
                warn!(conduit.id = %conduit, "our conduit is gone at Twitch; another is made");
                return self.feed.assign_again();
            }
            Err(error) => return warn!(%error, "our shard could not be looked at"),
        }
        if let Err(error) = self.drop_unused_shards(&conduit).await {
            warn!(%error, "whether the conduit has more shards than needed could not be seen");
        }
    }

    /// Twitch tells one instance that it ended a subscription; whoever else relies on it hears whether it can be made
    /// again, or looks at the record where the word may be about an earlier one.
    async fn tell_what_ended(&mut self) {
        let ended = std::mem::take(&mut self.feed.lock().ended);
        if !ended.is_empty() {
            self.reconcile_at = self.reconcile_at.min(Instant::now() + RECONCILE_SOON);
        }
        for (broadcaster, id, why) in ended {
            let present = self.records.find(&broadcaster).await;
            let is_latest =
                matches!(&present, Ok(record) if record.as_ref().is_none_or(|record| record.id == id));
            if let Err(error) = self.records.delete(&broadcaster, &id).await {
                warn!(%error, "the record of an ended subscription stays until Twitch's list is compared");
            }
            self.signals.publish(match why {
                Revocation::NotAuthorized if is_latest => Signal::ChatRefused(broadcaster),
                Revocation::NotAuthorized | Revocation::MakeAgain => Signal::SessionChanged(broadcaster),
            });
        }
    }

    async fn keep_channels(&mut self) {
        let Some(conduit) = self.conduit.clone() else {
            return;
        };
        if !self.has_time() {
            return;
        }
        let mut due = self.due();
        // One page of Twitch's list says as much as a hundred requests, after a restart say.
        let are_many = due.len() > MANY && self.reconciled_at.is_none_or(|at| at.elapsed() > RECONCILE_AGAIN);
        if are_many || self.reconcile_at <= Instant::now() {
            let is_done = self.reconcile(&conduit).await;
            self.reconciled_at = Some(Instant::now());
            self.reconcile_at = Instant::now() + if is_done { RECONCILE_EVERY } else { RECONCILE_AGAIN };
            due = self.due();
        }
        for broadcaster in due {
            if !self.has_time() {
                return;
            }
            self.keep_channel(&conduit, &broadcaster).await;
        }
    }

    /// A new socket has ten seconds to become the shard, what Twitch ended others wait to hear, and without points
    /// nothing is asked.
    fn has_time(&self) -> bool {
        let state = self.feed.lock();
        let is_pressing =
            state.is_urgent || !state.ended.is_empty() || matches!(state.shard, ShardState::ToAssign(_));
        !is_pressing && self.paused_until <= Instant::now()
    }

    fn due(&self) -> Vec<ChannelId> {
        let now = Instant::now();
        let state = self.feed.lock();
        let due = state.channels.iter().filter(|(_, channel)| channel.due_at().is_some_and(|at| at <= now));
        due.map(|(broadcaster, _)| broadcaster.clone()).collect()
    }
}
