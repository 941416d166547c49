//! Conduits and their shards. Source: "Conduits" in Twitch's `EventSub` documentation.

use async_trait::async_trait;
use chatpulse_domain::ids::ConduitId;
use serde::Deserialize;
use twitch_api::eventsub::{Shard as ApiShard, Transport};
use twitch_api::helix::eventsub as calls;
use twitch_api::helix::{RequestDelete, RequestGet, RequestPatch, RequestPost};

use super::{Helix, Page};
use crate::error::TwitchError;

/// The status of what Twitch delivers to, or delivers.
pub(crate) const ENABLED: &str = "enabled";

/// A conduit of this client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conduit {
    pub(crate) id: ConduitId,
    pub(crate) shard_count: u32,
}

/// A shard that had a transport at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Counted from 0; `None` for an id that is no number.
    pub(crate) index: Option<u32>,
    pub(crate) status: String,
}

/// Calls about conduits. [`Helix`] makes them; tests stand in for Twitch.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait ConduitApi: Send + Sync {
    /// All conduits of this client id.
    async fn conduits(&self) -> Result<Vec<Conduit>, TwitchError>;

    /// Creates a conduit with one shard.
    async fn create_conduit(&self) -> Result<ConduitId, TwitchError>;

    /// Deletes a conduit, with what it delivers. One that is gone is as good as deleted.
    async fn delete_conduit(&self, conduit: &ConduitId) -> Result<(), TwitchError>;

    /// Gives a conduit more shards, or removes the highest.
    async fn resize_conduit(&self, conduit: &ConduitId, shards: u32) -> Result<(), TwitchError>;

    /// The shards of a conduit.
    async fn shards(&self, conduit: &ConduitId) -> Result<Vec<Shard>, TwitchError>;

    /// Points a shard at a transport; answers its status, empty if Twitch says none.
    async fn assign_shard(
        &self,
        conduit: &ConduitId,
        index: u32,
        to: Transport,
    ) -> Result<String, TwitchError>;
}

#[derive(Deserialize)]
struct ListedConduit {
    id: String,
    #[serde(default)]
    shard_count: u32,
}

#[derive(Deserialize)]
struct ListedShard {
    id: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct ShardsUpdated {
    #[serde(default)]
    data: Vec<ListedShard>,
    #[serde(default)]
    errors: Vec<ShardProblem>,
}

#[derive(Deserialize)]
struct ShardProblem {
    #[serde(default)]
    message: String,
}

#[async_trait]
impl ConduitApi for Helix {
    async fn conduits(&self) -> Result<Vec<Conduit>, TwitchError> {
        let page: Page<ListedConduit> = self
            .call(|token, client| calls::GetConduitsRequest::default().create_request(token, client))
            .await?;
        let conduit = |listed: ListedConduit| {
            Some(Conduit { id: ConduitId::new(&listed.id).ok()?, shard_count: listed.shard_count })
        };
        Ok(page.data.into_iter().filter_map(conduit).collect())
    }

    async fn create_conduit(&self) -> Result<ConduitId, TwitchError> {
        let created = self.call(|token, client| {
            let body = calls::CreateConduitBody::new(1);
            calls::CreateConduitRequest::default().create_request(body, token, client)
        });
        let page: Page<ListedConduit> = created.await?;
        let id = page.data.first().and_then(|conduit| ConduitId::new(&conduit.id).ok());
        id.ok_or_else(|| TwitchError::malformed("a conduit without an id"))
    }

    async fn delete_conduit(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        let deleted = self.send(|token, client| {
            calls::DeleteConduitRequest::new(conduit.as_str()).create_request(token, client)
        });
        match deleted.await {
            Err(TwitchError::NotFound(_)) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    async fn resize_conduit(&self, conduit: &ConduitId, shards: u32) -> Result<(), TwitchError> {
        let resized = self.send(|token, client| {
            let body = calls::UpdateConduitBody::new(conduit.as_str(), shards as usize);
            calls::UpdateConduitRequest::default().create_request(body, token, client)
        });
        resized.await.map(drop)
    }

    async fn shards(&self, conduit: &ConduitId) -> Result<Vec<Shard>, TwitchError> {
        let listed: Vec<ListedShard> = self
            .all_pages(|token, client, after| {
                let mut request = calls::GetConduitShardsRequest::new(conduit.as_str());
                request.after = after;
                request.create_request(token, client)
            })
            .await?;
        let shard = |listed: ListedShard| Shard { index: listed.id.parse().ok(), status: listed.status };
        Ok(listed.into_iter().map(shard).collect())
    }

    /// Twitch answers 202 also when it refused the shard: the refusal is inside.
    async fn assign_shard(
        &self,
        conduit: &ConduitId,
        index: u32,
        to: Transport,
    ) -> Result<String, TwitchError> {
        let id = index.to_string();
        let answer: ShardsUpdated = self
            .call(|token, client| {
                let shards = vec![ApiShard::new(id.clone(), to.clone())];
                let body = calls::UpdateConduitShardsBody::new(conduit.as_str(), shards);
                calls::UpdateConduitShardsRequest::default().create_request(body, token, client)
            })
            .await?;
        if let Some(problem) = answer.errors.first() {
            return Err(TwitchError::ShardRefused(problem.message.clone()));
        }
        let status = answer.data.into_iter().find(|listed| listed.id == id).map(|listed| listed.status);
        Ok(status.unwrap_or_default())
    }
}
