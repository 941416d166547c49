//! Our record of the conduit and its chat subscriptions.

use async_trait::async_trait;

use crate::ids::{ChannelId, ConduitId, SubscriptionId};
use crate::subscription::ChatSubscription;

use super::error::StoreError;

/// Records what we created at Twitch, so that a restart finds it again. Twitch's own list is the truth.
///
/// Every adapter promises: one record per broadcaster, the last one put; deleting a missing record succeeds; when several
/// conduits are recorded at once, one of them stays.
#[async_trait]
pub trait SubscriptionRepository: Send + Sync {
    /// The conduit that is ours.
    async fn conduit(&self) -> Result<Option<ConduitId>, StoreError>;

    /// Records `new` as ours. False, and nothing changes, unless `old` is recorded now.
    async fn replace_conduit(&self, old: Option<&ConduitId>, new: &ConduitId) -> Result<bool, StoreError>;

    /// All records.
    async fn all(&self) -> Result<Vec<ChatSubscription>, StoreError>;

    /// The record of this broadcaster's chat.
    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<ChatSubscription>, StoreError>;

    /// Records one, in place of an earlier one of the same broadcaster.
    async fn put(&self, subscription: &ChatSubscription) -> Result<(), StoreError>;

    /// Deletes a broadcaster's record if it is still this one.
    async fn delete(&self, broadcaster: &ChannelId, id: &SubscriptionId) -> Result<(), StoreError>;
}
