//! The task behind the feed. Read [`FeedWorker::run`]: shard first, then whatever channel is due.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::{ConduitId, TwitchUserId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use twitch_api::eventsub::Transport as ApiTransport;

use super::{Revocation, ShardState, ShardTransport, TwitchFeed};
use crate::backoff::Backoff;
use crate::config::{Transport, TwitchConfig};
use crate::error::TwitchError;
use crate::helix::Helix;

/// How often an enabled shard is asked about: Twitch may disable it without a word.
const LOOK_AT_SHARD_EVERY: Duration = Duration::from_mins(1);

/// How often our subscriptions are compared with Twitch's list.
const RECONCILE_EVERY: Duration = Duration::from_mins(10);

/// Twitch has this long to verify a webhook shard, asked once a second.
const VERIFY_ATTEMPTS: u32 = 20;

/// Keeps shard and subscriptions as they should be.
pub struct FeedWorker {
    pub(super) feed: TwitchFeed,
    pub(super) helix: Arc<Helix>,
    pub(super) records: Arc<dyn SubscriptionRepository>,
    pub(super) signals: Arc<dyn Signals>,
    pub(super) config: TwitchConfig,
    pub(super) conduit: Option<ConduitId>,
    setup_backoff: Backoff,
    setup_at: Instant,
    /// What was tried last: a new socket session has ten seconds, so it never waits out an older one's backoff.
    tried: Option<ShardTransport>,
    look_at: Instant,
    reconcile_at: Instant,
}

/// Why the shard is not set up yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    #[error(transparent)]
    Twitch(#[from] TwitchError),
    #[error("the stored conduit could not be read or written")]
    Store(#[from] StoreError),
    #[error("Twitch did not verify the webhook: the shard is `{0}`")]
    NotVerified(String),
    #[error(
        "this client id has as many conduits as Twitch allows; delete one that nobody uses, or use another client id"
    )]
    ConduitLimit,
}

impl FeedWorker {
    /// The worker, to be run by its owner, and the handle for everybody else.
    pub fn new(
        helix: Arc<Helix>,
        records: Arc<dyn SubscriptionRepository>,
        signals: Arc<dyn Signals>,
        config: TwitchConfig,
    ) -> (Self, TwitchFeed) {
        let feed = TwitchFeed::new();
        if matches!(config.transport, Transport::Webhook { .. }) {
            feed.lock().set_shard(ShardState::ToAssign(ShardTransport::Webhook));
        }
        let now = Instant::now();
        let worker = Self {
            feed: feed.clone(),
            helix,
            records,
            signals,
            config,
            conduit: None,
            setup_backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(30)),
            setup_at: now,
            tried: None,
            look_at: now,
            reconcile_at: now,
        };
        (worker, feed)
    }

    /// Works until `stop`. Runs only once the listener is up: Twitch's challenge must find it.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let turn = async {
                self.keep_shard().await;
                self.tell_what_ended().await;
                self.keep_channels().await;
                let next = self.next_step();
                tokio::select! {
                    () = self.feed.shared.wake.notified() => {}
                    () = tokio::time::sleep_until(next) => {}
                }
            };
            if stop.run_until_cancelled(turn).await.is_none() {
                return;
            }
        }
    }

    fn next_step(&self) -> Instant {
        let state = self.feed.lock();
        let far = Instant::now() + LOOK_AT_SHARD_EVERY;
        match state.shard {
            ShardState::Down | ShardState::Elsewhere => far,
            ShardState::ToAssign(_) => self.setup_at,
            ShardState::Enabled(_) => {
                let channels = state.channels.values().filter_map(super::Channel::due_at);
                channels.chain([self.look_at, self.reconcile_at]).min().unwrap_or(far)
            }
        }
    }

    async fn keep_shard(&mut self) {
        let shard = self.feed.lock().shard.clone();
        match shard {
            ShardState::ToAssign(transport) if self.is_due(&transport) => self.set_up(transport).await,
            ShardState::Enabled(_) if self.look_at <= Instant::now() => self.look_at_shard().await,
            ShardState::Down | ShardState::Elsewhere | ShardState::ToAssign(_) | ShardState::Enabled(_) => {}
        }
    }

    fn is_due(&self, transport: &ShardTransport) -> bool {
        self.setup_at <= Instant::now() || self.tried.as_ref() != Some(transport)
    }

    async fn set_up(&mut self, transport: ShardTransport) {
        self.tried = Some(transport.clone());
        match self.assign(&transport).await {
            Ok(conduit) => {
                self.setup_backoff.reset();
                (self.look_at, self.reconcile_at) = (Instant::now() + LOOK_AT_SHARD_EVERY, Instant::now());
                let mut state = self.feed.lock();
                // The socket may have gone, or another come, while Twitch was asked.
                if state.shard == ShardState::ToAssign(transport.clone()) {
                    state.set_shard(ShardState::Enabled(transport));
                    info!(conduit.id = %conduit, "connected to Twitch");
                }
            }
            Err(error) => {
                metrics::counter!("eventsub_setup_failures_total").increment(1);
                if matches!(error, SetupError::Twitch(TwitchError::NotFound(_))) {
                    self.conduit = None;
                }
                let wait = self.setup_backoff.wait();
                self.setup_at = Instant::now() + wait;
                warn!(%error, retry_in_ms = wait.as_millis(), "not connected to Twitch, so no chat is read; trying again");
            }
        }
    }

    async fn assign(&mut self, transport: &ShardTransport) -> Result<ConduitId, SetupError> {
        let conduit = match self.conduit.clone() {
            Some(conduit) => conduit,
            None => self.find_or_make_conduit().await?,
        };
        self.conduit = Some(conduit.clone());
        let to = match (transport, &self.config.transport) {
            (ShardTransport::Webhook, Transport::Webhook { callback, secret }) => {
                ApiTransport::webhook(callback, secret.expose().to_owned())
            }
            (ShardTransport::Socket { session_id }, _) => ApiTransport::websocket(session_id),
            (ShardTransport::Webhook, Transport::WebSocket) => return Ok(conduit),
        };
        let status = self.helix.assign_shard(&conduit, to).await?;
        self.await_enabled(&conduit, status).await?;
        Ok(conduit)
    }

    /// A socket is enabled at once; a webhook only when Twitch has got its challenge back.
    async fn await_enabled(&self, conduit: &ConduitId, mut status: String) -> Result<(), SetupError> {
        for _ in 0..VERIFY_ATTEMPTS {
            if status == "enabled" {
                return Ok(());
            }
            if status != "webhook_callback_verification_pending" && !status.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            status = self.helix.shard_status(conduit).await?.unwrap_or_default();
        }
        if status == "enabled" { Ok(()) } else { Err(SetupError::NotVerified(status)) }
    }

    async fn look_at_shard(&mut self) {
        self.look_at = Instant::now() + LOOK_AT_SHARD_EVERY;
        let Some(conduit) = self.conduit.clone() else {
            return self.feed.check_shard();
        };
        match self.helix.shard_status(&conduit).await {
            Ok(Some(status)) if status == "enabled" => {}
            Ok(status) => {
                warn!(?status, "Twitch has disabled our shard; taking it back");
                self.feed.check_shard();
            }
            Err(TwitchError::NotFound(_)) => {
                warn!(conduit.id = %conduit, "our conduit is gone at Twitch; making another");
                self.conduit = None;
                self.feed.check_shard();
            }
            Err(error) => warn!(%error, "our shard could not be looked at"),
        }
    }

    /// Twitch tells one instance that it ended a subscription; whoever else relies on it hears whether it can be made
    /// again, or looks at the record where the word may be about an earlier one.
    async fn tell_what_ended(&self) {
        let ended = std::mem::take(&mut self.feed.lock().ended);
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
        if !self.feed.is_connected() {
            return;
        }
        let Some(conduit) = self.conduit.clone() else {
            return;
        };
        if self.reconcile_at <= Instant::now() {
            self.reconcile_at = Instant::now() + RECONCILE_EVERY;
            self.reconcile(&conduit).await;
        }
        let now = Instant::now();
        let due: Vec<TwitchUserId> = {
            let state = self.feed.lock();
            let due =
                state.channels.iter().filter(|(_, channel)| channel.due_at().is_some_and(|at| at <= now));
            due.map(|(broadcaster, _)| broadcaster.clone()).collect()
        };
        for broadcaster in due {
            // A new socket has ten seconds to become the shard.
            if !self.feed.is_connected() {
                return;
            }
            self.keep_channel(&conduit, &broadcaster).await;
        }
    }
}
