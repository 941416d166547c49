//! `EventSub` subscriptions that deliver to a conduit.

use std::borrow::Cow;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use serde::Deserialize;
use twitch_api::eventsub::channel::ChannelChatMessageV1;
use twitch_api::eventsub::conduit::ConduitShardDisabledV1;
use twitch_api::eventsub::user::UserAuthorizationRevokeV1;
use twitch_api::eventsub::{EventSubscription, Transport};
use twitch_api::helix::eventsub as calls;
use twitch_api::helix::{RequestDelete, RequestGet, RequestPost};

use super::conduits::ENABLED;
use super::{Helix, Page};
use crate::error::TwitchError;
use crate::eventsub::event::CHAT_MESSAGE;

/// What Twitch lists of a subscription. Everything but the id may be missing or new.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ListedSubscription {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) condition: Condition,
    #[serde(default)]
    pub(crate) transport: ListedTransport,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Condition {
    #[serde(default)]
    pub(crate) broadcaster_user_id: Option<String>,
    #[serde(default)]
    pub(crate) user_id: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ListedTransport {
    #[serde(default)]
    pub(crate) conduit_id: Option<String>,
}

impl ListedSubscription {
    /// Delivers a channel's chat, not something else.
    pub(crate) fn is_chat(&self) -> bool {
        self.kind == CHAT_MESSAGE
    }

    /// Twitch delivers it, to this conduit.
    pub(crate) fn is_live_on(&self, conduit: &ConduitId) -> bool {
        self.status == ENABLED && self.transport.conduit_id.as_deref() == Some(conduit.as_str())
    }
}

/// Calls about subscriptions. [`Helix`] makes them; tests stand in for Twitch.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait SubscriptionApi: Send + Sync {
    /// Subscribes to a channel's chat.
    async fn subscribe(
        &self,
        conduit: &ConduitId,
        channel: &ChatChannel,
    ) -> Result<SubscriptionId, TwitchError>;

    /// Subscribes to users who take their consent back. It needs nobody's consent.
    async fn subscribe_to_withdrawals(&self, conduit: &ConduitId) -> Result<(), TwitchError>;

    /// Subscribes to shards of this conduit that Twitch disables.
    async fn subscribe_to_disabled_shards(&self, conduit: &ConduitId) -> Result<(), TwitchError>;

    /// Ends a subscription. One that is gone is as good as ended.
    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<(), TwitchError>;

    /// One subscription by its id.
    async fn subscription(&self, id: &str) -> Result<Option<ListedSubscription>, TwitchError>;

    /// All subscriptions on a conduit.
    async fn subscriptions_on(&self, conduit: &ConduitId) -> Result<Vec<ListedSubscription>, TwitchError>;

    /// All chat subscriptions of a channel, wherever they deliver.
    async fn subscriptions_of(&self, broadcaster: &ChannelId)
    -> Result<Vec<ListedSubscription>, TwitchError>;
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[async_trait]
impl SubscriptionApi for Helix {
    async fn subscribe(
        &self,
        conduit: &ConduitId,
        channel: &ChatChannel,
    ) -> Result<SubscriptionId, TwitchError> {
        let (broadcaster, bot) = (channel.broadcaster.own(), channel.bot.own());
        let created = self.create(conduit, |_| ChannelChatMessageV1::new(broadcaster, bot)).await?;
        let page: Page<Created> = serde_json::from_slice(&created).map_err(TwitchError::malformed)?;
        let id = page.data.first().and_then(|created| SubscriptionId::new(&created.id).ok());
        id.ok_or_else(|| TwitchError::malformed("a subscription without an id"))
    }

    async fn subscribe_to_withdrawals(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        self.create(conduit, |client| UserAuthorizationRevokeV1::new(client.to_owned())).await.map(drop)
    }

    async fn subscribe_to_disabled_shards(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        let event = |client: &str| ConduitShardDisabledV1::client_id(client).conduit_id(conduit.as_str());
        match self.create(conduit, event).await {
            // Twitch's list did not show it yet.
            Err(TwitchError::Conflict { .. }) => Ok(()),
            created => created.map(drop),
        }
    }

    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<(), TwitchError> {
        let deleted = self.send(|token, client| {
            calls::DeleteEventSubSubscriptionRequest::id(id.as_str()).create_request(token, client)
        });
        match deleted.await {
            Err(TwitchError::NotFound(_)) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    async fn subscription(&self, id: &str) -> Result<Option<ListedSubscription>, TwitchError> {
        let mut request = calls::GetEventSubSubscriptionsRequest::default();
        request.subscription_id = Some(Cow::Owned(id.into()));
        let page: Page<ListedSubscription> =
            self.call(|token, client| request.create_request(token, client)).await?;
        Ok(page.data.into_iter().find(|listed| listed.id == id))
    }

    async fn subscriptions_on(&self, conduit: &ConduitId) -> Result<Vec<ListedSubscription>, TwitchError> {
        let mut request = calls::GetEventSubSubscriptionsRequest::default();
        request.conduit_id = Some(Cow::Owned(conduit.as_str().into()));
        self.list(&request).await
    }

    async fn subscriptions_of(
        &self,
        broadcaster: &ChannelId,
    ) -> Result<Vec<ListedSubscription>, TwitchError> {
        let mut request = calls::GetEventSubSubscriptionsRequest::default();
        request.user_id = Some(Cow::Owned(broadcaster.own().into()));
        let mut all = self.list(&request).await?;
        all.retain(|listed| {
            listed.is_chat() && listed.condition.broadcaster_user_id.as_deref() == Some(broadcaster.own())
        });
        Ok(all)
    }
}

impl Helix {
    /// Creates a subscription; `event` gets the client id.
    async fn create<E: EventSubscription>(
        &self,
        conduit: &ConduitId,
        event: impl Fn(&str) -> E,
    ) -> Result<Vec<u8>, TwitchError> {
        self.send(|token, client| {
            let body = calls::CreateEventSubSubscriptionBody::new(event(client), Transport::conduit(conduit));
            calls::CreateEventSubSubscriptionRequest::new().create_request(body, token, client)
        })
        .await
    }

    async fn list(
        &self,
        request: &calls::GetEventSubSubscriptionsRequest<'static>,
    ) -> Result<Vec<ListedSubscription>, TwitchError> {
        self.all_pages(|token, client, after| {
            let mut request = request.clone();
            request.after = after;
            request.create_request(token, client)
        })
        .await
    }
}
