//! Which conduit is ours, and how many shards it has. It outlives every start, and one that is not ours is never
//! touched.

use chatpulse_domain::ids::ConduitId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::shard_leases::ShardPlace;
use tracing::{info, warn};

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
        let stored = self.records.conduit().await;
        // Ours of a moment ago is ours; without the database chat is read all the same.
        let ours = stored.as_ref().map_or(self.conduit.as_ref(), Option::as_ref);
        let known = ours.and_then(|ours| existing.iter().find(|conduit| conduit.id == *ours)).cloned();
        let ours = match known {
            Some(known) => known,
            None if self.leadership.is_leader().await => self.find_or_make(&existing, stored?).await?,
            // Two that make one at once would leave one behind.
            None => return Err(SetupError::NotMadeYet),
        };
        if ours.shard_count < place.count {
            self.helix.resize_conduit(&ours.id, place.count).await?;
        }
        Ok(ours.id)
    }

    /// The sole one, if nobody uses it (a laptop with production's client id must not take over); else a new one.
    async fn find_or_make(
        &self,
        existing: &[Conduit],
        stored: Option<ConduitId>,
    ) -> Result<Conduit, SetupError> {
        if let [sole] = existing
            && self.is_unused(&sole.id).await?
        {
            info!(conduit.id = %sole.id, "taking over the one conduit of this client id, which nobody uses");
            let is_ours = self.records.replace_conduit(stored.as_ref(), &sole.id).await?;
            return if is_ours { Ok(sole.clone()) } else { Err(SetupError::MadeElsewhere) };
        }
        let made = Conduit { id: self.make_conduit().await?, shard_count: 1 };
        let kept = self.records.replace_conduit(stored.as_ref(), &made.id).await;
        // It may have been another's turn to lead before this one knew; and it may have found this very conduit.
        match self.records.conduit().await {
            Ok(Some(ours)) if ours == made.id => return Ok(made),
            Ok(_) => self.undo(&made.id).await,
            Err(error) => warn!(
                conduit.id = %made.id, %error,
                "a conduit was made and may not have been recorded; if it is not used, delete it at Twitch"
            ),
        }
        Err(kept.map_or_else(SetupError::from, |_| SetupError::MadeElsewhere))
    }

    /// Made a moment ago, and recorded by nobody: the one conduit that is ever deleted.
    async fn undo(&self, made: &ConduitId) {
        if let Err(error) = self.helix.delete_conduit(made).await {
            warn!(conduit.id = %made, %error, "a conduit that was made in vain is still there; delete it at Twitch");
        }
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
