use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatSubscription;

use super::Database;

/// The subscription records of [`super::FakeAccounts`].
pub struct FakeSubscriptions(pub(super) Database);

#[async_trait]
impl SubscriptionRepository for FakeSubscriptions {
    async fn conduit(&self) -> Result<Option<ConduitId>, StoreError> {
        Ok(self.0.enter("find the conduit")?.conduit.clone())
    }

    async fn replace_conduit(&self, old: Option<&ConduitId>, new: &ConduitId) -> Result<bool, StoreError> {
        let kept = &mut self.0.enter("replace the conduit")?.conduit;
        let is_old = kept.as_ref() == old;
        if is_old {
            *kept = Some(new.clone());
        }
        Ok(is_old)
    }

    async fn all(&self) -> Result<Vec<ChatSubscription>, StoreError> {
        Ok(self.0.enter("read all subscriptions")?.subscriptions.clone())
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<ChatSubscription>, StoreError> {
        let records = &self.0.enter("find a subscription")?.subscriptions;
        Ok(records.iter().find(|record| record.broadcaster == *broadcaster).cloned())
    }

    async fn put(&self, subscription: &ChatSubscription) -> Result<(), StoreError> {
        let records = &mut self.0.enter("put a subscription")?.subscriptions;
        records.retain(|record| record.broadcaster != subscription.broadcaster);
        records.push(subscription.clone());
        Ok(())
    }

    async fn delete(&self, broadcaster: &ChannelId, id: &SubscriptionId) -> Result<(), StoreError> {
        let records = &mut self.0.enter("delete a subscription")?.subscriptions;
        records.retain(|record| record.broadcaster != *broadcaster || record.id != *id);
        Ok(())
    }
}
