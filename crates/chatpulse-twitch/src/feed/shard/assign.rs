//! Points this instance's shard at its transport, and checks that it stays enabled.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::ConduitId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};
use tokio::time::Instant;
use tracing::{info, warn};
use twitch_api::eventsub::Transport as ApiTransport;

use super::{ShardState, ShardTransport};
use crate::backoff::Backoff;
use crate::config::Transport;
use crate::error::TwitchError;
use crate::feed::TwitchFeed;
use crate::feed::conduit::Conduits;
use crate::helix::conduits::ENABLED;

/// How often an enabled shard is checked: Twitch may disable it without telling.
pub(in crate::feed) const CHECK_EVERY: Duration = Duration::from_mins(1);

/// A socket has so long to connect before anything is done without it.
const SOCKET_FIRST: Duration = Duration::from_secs(5);

/// Twitch has this long to verify a webhook shard.
const VERIFIED_WITHIN: Duration = Duration::from_secs(20);

/// The first pause between two looks at whether it has; it doubles up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Assigns and checks the shard of one instance.
pub(in crate::feed) struct ShardAssigner {
    feed: TwitchFeed,
    conduits: Conduits,
    leadership: Arc<dyn Leadership>,
    leases: Arc<dyn ShardLeases>,
    transport: Transport,
    /// Our shard, as it was assigned last.
    index: u32,
    backoff: Backoff,
    assign_at: Instant,
    /// What was assigned last: a new socket session has ten seconds, so it never waits out the backoff of an older one.
    tried: Option<ShardTransport>,
    check_at: Instant,
}

/// Why the shard is not assigned yet.
#[derive(Debug, thiserror::Error)]
pub(in crate::feed) enum SetupError {
    #[error(transparent)]
    Twitch(#[from] TwitchError),
    #[error("cannot read or write which conduit and shard are ours")]
    Store(#[from] StoreError),
    #[error("the leading instance has not made the conduit yet")]
    NotCreatedYet,
    #[error("another instance has made the conduit")]
    CreatedElsewhere,
    #[error("Twitch did not verify the webhook: the shard is `{0}`")]
    NotVerified(String),
    #[error(
        "this client id has as many conduits as Twitch allows; delete one that nobody uses (`chatpulse conduits` lists them), or use another client id"
    )]
    ConduitLimit,
}

impl ShardAssigner {
    pub(in crate::feed) fn new(
        feed: TwitchFeed,
        conduits: Conduits,
        leadership: Arc<dyn Leadership>,
        leases: Arc<dyn ShardLeases>,
        transport: Transport,
    ) -> Self {
        let now = Instant::now();
        Self {
            feed,
            conduits,
            leadership,
            leases,
            transport,
            index: 0,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(30)),
            assign_at: now + SOCKET_FIRST,
            tried: None,
            check_at: now,
        }
    }

    /// Does what is due. True if the shard was assigned just now.
    pub(in crate::feed) async fn run_due(&mut self) -> bool {
        let (state, is_urgent) = {
            let shard = &mut self.feed.lock().shard;
            (shard.state().clone(), shard.take_urgent())
        };
        let now = Instant::now();
        if is_urgent {
            (self.check_at, self.assign_at) = (now, now);
        }
        match state {
            ShardState::ToAssign(transport)
                if self.assign_at <= now || self.tried.as_ref() != Some(&transport) =>
            {
                return self.assign(transport).await;
            }
            ShardState::Enabled(_) if self.check_at <= now => self.check().await,
            // Without a socket of its own it still reads chats: other instances may have one.
            ShardState::Down if self.conduit().is_none() && self.assign_at <= now => {
                self.find_conduit().await;
            }
            ShardState::Down | ShardState::ToAssign(_) | ShardState::Enabled(_) => {}
        }
        false
    }

    /// When something is due next, as the shard stands now.
    pub(in crate::feed) fn next_at(&self) -> Option<Instant> {
        match self.feed.lock().shard.state() {
            ShardState::ToAssign(_) => Some(self.assign_at),
            ShardState::Down => self.conduit().is_none().then_some(self.assign_at),
            ShardState::Enabled(_) => Some(self.check_at),
        }
    }

    /// Where Twitch delivers, as soon as it is known.
    pub(in crate::feed) fn conduit(&self) -> Option<&ConduitId> {
        self.conduits.ours()
    }

    async fn assign(&mut self, transport: ShardTransport) -> bool {
        self.tried = Some(transport.clone());
        let assignment = self.feed.lock().shard.begin(transport.clone());
        let before = self.conduit().map(|_| self.index);
        let conduit = match self.point_at(&transport).await {
            Ok(conduit) => conduit,
            Err(error) => {
                self.retry_later(&error);
                return false;
            }
        };
        let now = Instant::now();
        self.backoff.reset();
        // A session that moves to another socket is assigned again at once, and the shard that was left may be the one
        // too many.
        let has_moved = before.is_some_and(|before| before != self.index);
        self.check_at = if has_moved { now } else { now + CHECK_EVERY };
        self.assign_at = now;
        if self.feed.lock().shard.enable(assignment, now) {
            info!(conduit.id = %conduit, "connected to Twitch");
        }
        true
    }

    async fn point_at(&mut self, transport: &ShardTransport) -> Result<ConduitId, SetupError> {
        let slot = self.slot().await?;
        let conduit = self.conduits.find(slot).await?;
        self.index = slot.index;
        let target = match (transport, &self.transport) {
            // The leader points it at our address; each time, Twitch verifies the address anew.
            (ShardTransport::Webhook, _) if !self.leadership.is_leader().await => None,
            (ShardTransport::Webhook, Transport::Webhook { callback, secret }) => {
                Some(ApiTransport::webhook(callback, secret.expose().to_owned()))
            }
            (ShardTransport::Socket { session_id }, _) => Some(ApiTransport::websocket(session_id)),
            (ShardTransport::Webhook, Transport::WebSocket) => return Ok(conduit),
        };
        let status = match target {
            Some(target) => self.conduits.api().assign_shard(&conduit, slot.index, target).await?,
            None => self.status(&conduit).await?,
        };
        self.wait_until_enabled(&conduit, status).await?;
        Ok(conduit)
    }

    /// A socket is enabled at once; a webhook only when Twitch has got its challenge back.
    async fn wait_until_enabled(&self, conduit: &ConduitId, mut status: String) -> Result<(), SetupError> {
        let (deadline, mut pause) = (Instant::now() + VERIFIED_WITHIN, FIRST_PAUSE);
        while status == "webhook_callback_verification_pending" || status.is_empty() {
            if Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(Duration::from_secs(1));
            status = self.status(conduit).await?;
        }
        if status == ENABLED { Ok(()) } else { Err(SetupError::NotVerified(status)) }
    }

    /// Empty for a shard that never had a transport.
    async fn status(&self, conduit: &ConduitId) -> Result<String, TwitchError> {
        let shards = self.conduits.api().shards(conduit).await?;
        Ok(shards
            .into_iter()
            .find(|shard| shard.index == Some(self.index))
            .map(|shard| shard.status)
            .unwrap_or_default())
    }

    async fn find_conduit(&mut self) {
        let found = match self.slot().await {
            Ok(slot) => self.conduits.find(slot).await,
            Err(error) => Err(error.into()),
        };
        match found {
            Ok(_) => self.backoff.reset(),
            Err(error) => self.retry_later(&error),
        }
    }

    fn retry_later(&mut self, error: &SetupError) {
        let wait = self.backoff.wait();
        self.assign_at = Instant::now() + wait;
        if matches!(error, SetupError::NotCreatedYet | SetupError::CreatedElsewhere) {
            return info!(retry_in_ms = wait.as_millis(), "not connected to Twitch yet: {error}");
        }
        metrics::counter!("eventsub_setup_failures_total").increment(1);
        warn!(%error, retry_in_ms = wait.as_millis(), "not connected to Twitch, so no chat is read; trying again");
    }

    async fn check(&mut self) {
        self.check_at = Instant::now() + CHECK_EVERY;
        let Some(conduit) = self.conduit().cloned() else {
            return self.feed.assign_shard_again();
        };
        match self.status(&conduit).await {
            Ok(status) if status == ENABLED => {}
            Ok(status) => {
                warn!(status, "Twitch has disabled our shard; assigning it again");
                return self.feed.assign_shard_again();
            }
            Err(TwitchError::NotFound(_)) => {
                warn!(conduit.id = %conduit, "our conduit is gone at Twitch; another is created");
                return self.feed.assign_shard_again();
            }
            Err(error) => return warn!(%error, "failed to check our shard"),
        }
        if let Err(error) = self.remove_unused_shards(&conduit).await {
            warn!(%error, "failed to check whether the conduit has more shards than needed");
        }
    }

    /// Removes shards that no instance has any more: what is routed to them reaches nobody.
    async fn remove_unused_shards(&self, conduit: &ConduitId) -> Result<(), SetupError> {
        if !self.leadership.is_leader().await {
            return Ok(());
        }
        let existing = self.conduits.api().conduits().await?;
        let Some(ours) = existing.iter().find(|listed| listed.id == *conduit) else {
            return Err(TwitchError::NotFound("our conduit is not in its list".into()).into());
        };
        // Asked right before: another instance may just have taken the next shard.
        let needed = self.slot().await?;
        if needed.index != self.index {
            self.feed.assign_shard_again();
        } else if ours.shard_count > needed.count {
            self.conduits.api().resize_conduit(conduit, needed.count).await?;
            info!(conduit.id = %conduit, shards = needed.count, "removed shards that no instance has any more");
        }
        Ok(())
    }

    /// Which shard is ours. Instances that share a webhook address share its shard.
    async fn slot(&self) -> Result<ShardSlot, StoreError> {
        match self.transport {
            Transport::WebSocket => self.leases.acquire().await,
            Transport::Webhook { .. } => Ok(ShardSlot::SOLE),
        }
    }
}

#[cfg(test)]
mod tests;
