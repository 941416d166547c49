//! The conduits of this client id: for `chatpulse conduits`. Several deployments may share a client id, and Twitch allows
//! only a few conduits, so operators have to find and delete those that nobody uses.

use chatpulse_domain::ids::ConduitId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;

use crate::error::TwitchError;
use crate::helix::Helix;
use crate::helix::conduits::{ConduitApi as _, ENABLED};

/// A conduit at Twitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedConduit {
    /// Its id.
    pub id: String,
    /// Whether it is the one that our database has.
    pub is_ours: bool,
    /// How many shards it has.
    pub shard_count: u32,
    /// The shards that ever had a transport: number and status, such as `enabled` or `websocket_disconnected`.
    pub shards: Vec<(Option<u32>, String)>,
}

impl ListedConduit {
    /// How many of its shards Twitch delivers to: somebody reads chat through them.
    pub fn enabled(&self) -> usize {
        self.shards.iter().filter(|(_, status)| status == ENABLED).count()
    }
}

/// Why there is no list, or nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// Twitch refused, or did not answer.
    #[error(transparent)]
    Twitch(#[from] TwitchError),
    /// The database did not say which conduit is ours.
    #[error("cannot look up which conduit is ours")]
    Store(#[from] StoreError),
}

/// Lists the conduits with their shards.
pub async fn list(
    helix: &Helix,
    records: Option<&dyn SubscriptionRepository>,
) -> Result<Vec<ListedConduit>, InventoryError> {
    let ours = match records {
        Some(records) => records.conduit().await?,
        None => None,
    };
    let mut listed = Vec::new();
    for conduit in helix.conduits().await? {
        let mut shards = helix.shards(&conduit.id).await?;
        // Shards that were removed may stay in the list for a while (twitchdev/issues#914).
        shards.retain(|shard| shard.index.is_none_or(|index| index < conduit.shard_count));
        listed.push(ListedConduit {
            is_ours: ours.as_ref() == Some(&conduit.id),
            id: conduit.id.to_string(),
            shard_count: conduit.shard_count,
            shards: shards.into_iter().map(|shard| (shard.index, shard.status)).collect(),
        });
    }
    Ok(listed)
}

/// Deletes a conduit with its subscriptions, whoever uses it.
pub async fn delete(helix: &Helix, conduit: &ListedConduit) -> Result<(), InventoryError> {
    let id = ConduitId::new(&conduit.id).map_err(TwitchError::malformed)?;
    Ok(helix.delete_conduit(&id).await?)
}
