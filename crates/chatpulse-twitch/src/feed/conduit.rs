//! Which conduit is ours. It outlives every start, and one that is not ours is never touched.

use std::sync::Arc;

use chatpulse_domain::ids::ConduitId;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::ShardSlot;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use tracing::{info, warn};

use super::shard::assign::SetupError;
use crate::error::TwitchError;
use crate::helix::conduits::{Conduit, ConduitApi, ENABLED};

/// Finds or creates our conduit.
pub(super) struct Conduits {
    api: Arc<dyn ConduitApi>,
    records: Arc<dyn SubscriptionRepository>,
    leadership: Arc<dyn Leadership>,
    ours: Option<ConduitId>,
}

impl Conduits {
    pub(super) fn new(
        api: Arc<dyn ConduitApi>,
        records: Arc<dyn SubscriptionRepository>,
        leadership: Arc<dyn Leadership>,
    ) -> Self {
        Self { api, records, leadership, ours: None }
    }

    pub(super) fn api(&self) -> &dyn ConduitApi {
        self.api.as_ref()
    }

    /// As it was found last.
    pub(super) fn ours(&self) -> Option<&ConduitId> {
        self.ours.as_ref()
    }

    /// Our conduit, with enough shards for this slot. Only the leader creates one: of two that are created at once one
    /// would be left over.
    pub(super) async fn find(&mut self, slot: ShardSlot) -> Result<ConduitId, SetupError> {
        let existing = self.api.conduits().await?;
        let stored = self.records.conduit().await;
        // Without the database the one we had a moment ago is ours, so that chat is read all the same.
        let ours = stored.as_ref().map_or(self.ours.as_ref(), Option::as_ref);
        let known = ours.and_then(|ours| existing.iter().find(|conduit| conduit.id == *ours)).cloned();
        let conduit = match known {
            Some(known) => known,
            None if self.leadership.is_leader().await => self.adopt_or_create(&existing, stored?).await?,
            None => return Err(SetupError::NotCreatedYet),
        };
        if conduit.shard_count < slot.count {
            self.api.resize_conduit(&conduit.id, slot.count).await?;
        }
        self.ours = Some(conduit.id.clone());
        Ok(conduit.id)
    }

    /// Adopts the only one if nobody uses it (a laptop with production's client id must not take over), else creates
    /// one.
    async fn adopt_or_create(
        &self,
        existing: &[Conduit],
        stored: Option<ConduitId>,
    ) -> Result<Conduit, SetupError> {
        if let [only] = existing
            && self.is_unused(&only.id).await?
        {
            info!(conduit.id = %only.id, "taking over the one conduit of this client id, which nobody uses");
            let is_ours = self.records.replace_conduit(stored.as_ref(), &only.id).await?;
            return if is_ours { Ok(only.clone()) } else { Err(SetupError::CreatedElsewhere) };
        }
        let created = Conduit { id: self.create().await?, shard_count: 1 };
        let recorded = self.records.replace_conduit(stored.as_ref(), &created.id).await;
        // Another leader may have recorded one before this one noticed; it may even have found this very conduit.
        match self.records.conduit().await {
            Ok(Some(ours)) if ours == created.id => return Ok(created),
            Ok(_) => self.delete_unrecorded(&created.id).await,
            Err(error) => warn!(
                conduit.id = %created.id, %error,
                "created a conduit and may have failed to record it; if it stays unused, delete it at Twitch"
            ),
        }
        Err(recorded.map_or_else(SetupError::from, |_| SetupError::CreatedElsewhere))
    }

    async fn is_unused(&self, conduit: &ConduitId) -> Result<bool, TwitchError> {
        Ok(self.api.shards(conduit).await?.iter().all(|shard| shard.status != ENABLED))
    }

    async fn create(&self) -> Result<ConduitId, SetupError> {
        match self.api.create_conduit().await {
            Err(TwitchError::Refused { status: 429, .. }) => Err(SetupError::ConduitLimit),
            created => Ok(created?),
        }
    }

    /// Created a moment ago and recorded by nobody: the only conduit that is ever deleted.
    async fn delete_unrecorded(&self, created: &ConduitId) {
        if let Err(error) = self.api.delete_conduit(created).await {
            warn!(conduit.id = %created, %error, "failed to delete a conduit that nobody needs; delete it at Twitch");
        }
    }
}

#[cfg(test)]
mod tests;
