//! Which conduit is ours, and how many shards it has. It outlives every start: it is never deleted, and one that is
//! not ours is never touched.

use chatpulse_domain::ids::ConduitId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::shard_leases::ShardPlace;
use tracing::info;

use super::worker::{FeedWorker, SetupError};
use crate::config::Transport;
use crate::error::TwitchError;
use crate::helix::Conduit;

impl FeedWorker {
    /// Which shard is ours. Instances that share a webhook address share its shard.
    pub(super) async fn place(&self) -> Result<ShardPlace, StoreError> {
        match self.config.transport {
            Transport::WebSocket => self.shards.hold().await,
            Transport::Webhook { .. } => Ok(ShardPlace::SOLE),
        }
    }

    /// Our conduit, with a shard for our place.
    pub(super) async fn conduit_for(&self, place: ShardPlace) -> Result<ConduitId, SetupError> {
        let existing = self.helix.conduits().await?;
        let stored = match self.records.conduit().await {
            // Ours of a moment ago is ours; without the database chat is read all the same.
            Err(error) => Some(self.conduit.clone().ok_or(error)?),
            Ok(stored) => stored,
        };
        let known = stored.and_then(|stored| existing.iter().find(|conduit| conduit.id == stored));
        let ours = match known {
            Some(known) => known.clone(),
            None if self.leadership.is_leader().await => self.find_or_make(&existing).await?,
            // Two that make one at once would leave one behind.
            None => return Err(SetupError::NotMadeYet),
        };
        if ours.shard_count < place.count {
            self.helix.resize_conduit(&ours.id, place.count).await?;
        }
        Ok(ours.id)
    }

    /// The sole one, if nobody uses it (a laptop with production's client id must not take over); else a new one.
    async fn find_or_make(&self, existing: &[Conduit]) -> Result<Conduit, SetupError> {
        let conduit = match existing {
            [sole] if self.is_unused(&sole.id).await? => {
                info!(conduit.id = %sole.id, "taking over the one conduit of this client id, which nobody uses");
                sole.clone()
            }
            _ => Conduit { id: self.make_conduit().await?, shard_count: 1 },
        };
        self.records.put_conduit(&conduit.id).await?;
        Ok(conduit)
    }

    async fn is_unused(&self, conduit: &ConduitId) -> Result<bool, TwitchError> {
        Ok(self.helix.shards(conduit).await?.iter().all(|(_, status)| status != "enabled"))
    }

    async fn make_conduit(&self) -> Result<ConduitId, SetupError> {
        match self.helix.create_conduit().await {
            Err(TwitchError::Refused { status: 429, .. }) => Err(SetupError::ConduitLimit),
            made => Ok(made?),
        }
    }

    /// Takes shards away that no instance has any more: what is routed to them reaches nobody.
    pub(super) async fn drop_unused_shards(&self, conduit: &ConduitId) -> Result<(), SetupError> {
        if !self.leadership.is_leader().await {
            return Ok(());
        }
        let existing = self.helix.conduits().await?;
        let Some(ours) = existing.iter().find(|listed| listed.id == *conduit) else {
            return Err(TwitchError::NotFound("our conduit is not in its list".into()).into());
        };
        // Asked right before: somebody may just have taken the next shard.
        let needed = self.place().await?;
        if needed.index != self.shard {
            self.feed.assign_again();
            return Ok(());
        }
        if ours.shard_count > needed.count {
            self.helix.resize_conduit(conduit, needed.count).await?;
            info!(conduit.id = %conduit, shards = needed.count, "shards that no instance has any more were taken away");
        }
        Ok(())
    }
}
