//! Which conduit is ours. It outlives every start: it is never deleted, and one that is not ours is never touched.

use chatpulse_domain::ids::ConduitId;
use tracing::info;

use super::worker::{FeedWorker, SetupError};
use crate::error::TwitchError;

impl FeedWorker {
    /// The stored one if Twitch still knows it; else the sole one, if nobody uses it (a laptop with production's
    /// client id must not take over); else a new one.
    pub(super) async fn find_or_make_conduit(&self) -> Result<ConduitId, SetupError> {
        let existing = self.helix.conduits().await?;
        if let Some(stored) = self.records.conduit().await?
            && existing.contains(&stored)
        {
            return Ok(stored);
        }
        let conduit = match existing.as_slice() {
            [sole] if self.is_unused(sole).await? => {
                info!(conduit.id = %sole, "taking over the one conduit of this client id, which nobody uses");
                sole.clone()
            }
            _ => self.make_conduit().await?,
        };
        self.records.put_conduit(&conduit).await?;
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
}
