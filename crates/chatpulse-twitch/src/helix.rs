//! The Helix calls we make: conduits, shards, subscriptions.
//!
//! Requests are built by `twitch_api`; answers are read by our own tolerant structs, because the crate's closed
//! enums fail a whole page on one new status. A 401 gets a new app token and one more try.

use std::sync::Arc;

use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use chatpulse_domain::ports::clock::Clock;
use http::{Request, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use twitch_api::eventsub::channel::ChannelChatMessageV1;
use twitch_api::eventsub::conduit::ConduitShardDisabledV1;
use twitch_api::eventsub::user::UserAuthorizationRevokeV1;
use twitch_api::eventsub::{EventSubscription, Shard, Transport as ApiTransport};
use twitch_api::helix::eventsub as calls;
use twitch_api::helix::{CreateRequestError, RequestDelete, RequestGet, RequestPatch, RequestPost};

use crate::app_token::{AppToken, SharedToken};
use crate::config::{TwitchConfig, below};
use crate::error::TwitchError;
use crate::eventsub::event::CHAT_MESSAGE;
use crate::http_client;

/// The crate builds addresses below this; ours may point elsewhere.
const CRATE_BASE: &str = "/helix/";

/// Twitch promises no page size; a listing longer than this many pages is not ours to read in one go.
const PAGES_MAX: usize = 200;

type Built<B> = Result<Request<B>, CreateRequestError>;

/// Calls Helix with the app token.
pub struct Helix {
    http: reqwest::Client,
    config: TwitchConfig,
    token: AppToken,
}

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
        self.status == "enabled" && self.transport.conduit_id.as_deref() == Some(conduit.as_str())
    }
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

impl<T> Page<T> {
    /// Where the next page begins.
    fn cursor(&self) -> Option<String> {
        self.pagination.as_ref()?.cursor.clone().filter(|cursor| !cursor.is_empty())
    }
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct ListedConduit {
    id: String,
    #[serde(default)]
    shard_count: u32,
}

/// A conduit of this client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conduit {
    pub(crate) id: ConduitId,
    pub(crate) shard_count: u32,
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

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Helix {
    /// Without `shared` it gets a token of its own. Fails only if TLS cannot be set up.
    pub fn new(
        config: TwitchConfig,
        clock: Arc<dyn Clock>,
        shared: Option<SharedToken>,
    ) -> Result<Self, reqwest::Error> {
        let http = http_client::build(&config)?;
        Ok(Self { token: AppToken::new(http.clone(), config.clone(), clock, shared), http, config })
    }

    /// Whether client id and secret are good.
    pub async fn check_credentials(&self) -> Result<(), TwitchError> {
        self.token.get().await.map(drop)
    }

    /// All conduits of this client id.
    pub(crate) async fn conduits(&self) -> Result<Vec<Conduit>, TwitchError> {
        let page: Page<ListedConduit> = self
            .call(|token, client| calls::GetConduitsRequest::default().create_request(token, client))
            .await?;
        let conduit = |listed: ListedConduit| {
            Some(Conduit { id: ConduitId::new(&listed.id).ok()?, shard_count: listed.shard_count })
        };
        Ok(page.data.into_iter().filter_map(conduit).collect())
    }

    /// Deletes a conduit, with what it delivers.
    pub(crate) async fn delete_conduit(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        let deleted = self.send(|token, client| {
            calls::DeleteConduitRequest::new(conduit.as_str()).create_request(token, client)
        });
        match deleted.await {
            Err(TwitchError::NotFound(_)) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// A new conduit with one shard.
    pub(crate) async fn create_conduit(&self) -> Result<ConduitId, TwitchError> {
        let page: Page<ListedConduit> = self
            .call(|token, client| {
                calls::CreateConduitRequest::default().create_request(
                    calls::CreateConduitBody::new(1),
                    token,
                    client,
                )
            })
            .await?;
        let made = page.data.first().and_then(|conduit| ConduitId::new(&conduit.id).ok());
        made.ok_or_else(|| TwitchError::malformed("a conduit without an id"))
    }

    /// Gives a conduit more shards, or takes the highest away.
    pub(crate) async fn resize_conduit(&self, conduit: &ConduitId, shards: u32) -> Result<(), TwitchError> {
        let resized = self.send(|token, client| {
            let body = calls::UpdateConduitBody::new(conduit.as_str(), shards as usize);
            calls::UpdateConduitRequest::default().create_request(body, token, client)
        });
        resized.await.map(drop)
    }

    /// Status of a shard; `None` if it was never assigned.
    pub(crate) async fn shard_status(
        &self,
        conduit: &ConduitId,
        shard: u32,
    ) -> Result<Option<String>, TwitchError> {
        let id = shard.to_string();
        Ok(self
            .shards(conduit)
            .await?
            .into_iter()
            .find(|(listed, _)| *listed == id)
            .map(|(_, status)| status))
    }

    /// Id and status of each shard.
    pub(crate) async fn shards(&self, conduit: &ConduitId) -> Result<Vec<(String, String)>, TwitchError> {
        let mut request = calls::GetConduitShardsRequest::new(conduit.as_str());
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: Page<ListedShard> =
                self.call(|token, client| request.create_request(token, client)).await?;
            let next = page.cursor();
            all.extend(page.data.into_iter().map(|shard| (shard.id, shard.status)));
            let Some(cursor) = next else { break };
            request.after = Some(std::borrow::Cow::Owned(cursor.into()));
        }
        Ok(all)
    }

    /// Points a shard at a transport; returns its status. Twitch answers 202 also when the shard was refused: the
    /// refusal is inside.
    pub(crate) async fn assign_shard(
        &self,
        conduit: &ConduitId,
        shard: u32,
        to: ApiTransport,
    ) -> Result<String, TwitchError> {
        let id = shard.to_string();
        let answer: ShardsUpdated = self
            .call(|token, client| {
                let shards = vec![Shard::new(id.clone(), to.clone())];
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

    /// Asks to hear of users who take their consent back. It needs nobody's.
    pub(crate) async fn subscribe_to_withdrawals(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        self.subscribe_to(conduit, |client| UserAuthorizationRevokeV1::new(client.to_owned())).await
    }

    /// Asks to hear of this conduit's shards that Twitch disables.
    pub(crate) async fn subscribe_to_lost_shards(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        let event = |client: &str| ConduitShardDisabledV1::client_id(client).conduit_id(conduit.as_str());
        match self.subscribe_to(conduit, event).await {
            // Twitch's list did not show it yet.
            Err(TwitchError::Conflict { .. }) => Ok(()),
            asked => asked,
        }
    }

    async fn subscribe_to<E: EventSubscription>(
        &self,
        conduit: &ConduitId,
        event: impl Fn(&str) -> E,
    ) -> Result<(), TwitchError> {
        let created = self.send(|token, client| {
            let transport = ApiTransport::conduit(conduit);
            let body = calls::CreateEventSubSubscriptionBody::new(event(client), transport);
            calls::CreateEventSubSubscriptionRequest::new().create_request(body, token, client)
        });
        created.await.map(drop)
    }

    /// Asks for a channel's chat.
    pub(crate) async fn subscribe(
        &self,
        conduit: &ConduitId,
        channel: &ChatChannel,
    ) -> Result<SubscriptionId, TwitchError> {
        let page: Page<Created> = self
            .call(|token, client| {
                let (broadcaster, reader) = (channel.broadcaster.as_str(), channel.reader.as_str());
                let chat = ChannelChatMessageV1::new(broadcaster, reader);
                let body = calls::CreateEventSubSubscriptionBody::new(chat, ApiTransport::conduit(conduit));
                calls::CreateEventSubSubscriptionRequest::new().create_request(body, token, client)
            })
            .await?;
        let made = page.data.first().and_then(|created| SubscriptionId::new(&created.id).ok());
        made.ok_or_else(|| TwitchError::malformed("a subscription without an id"))
    }

    /// Stops a subscription. One that is gone is as good as stopped.
    pub(crate) async fn unsubscribe(&self, id: &SubscriptionId) -> Result<(), TwitchError> {
        let deleted = self
            .send(|token, client| {
                calls::DeleteEventSubSubscriptionRequest::id(id.as_str()).create_request(token, client)
            })
            .await;
        match deleted {
            Ok(_) | Err(TwitchError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One subscription by its id.
    pub(crate) async fn subscription(&self, id: &str) -> Result<Option<ListedSubscription>, TwitchError> {
        let mut request = calls::GetEventSubSubscriptionsRequest::default();
        request.subscription_id = Some(std::borrow::Cow::Owned(id.into()));
        let page: Page<ListedSubscription> =
            self.call(|token, client| request.create_request(token, client)).await?;
        Ok(page.data.into_iter().find(|listed| listed.id == id))
    }

    /// All subscriptions on a conduit.
    pub(crate) async fn subscriptions_on(
        &self,
        conduit: &ConduitId,
    ) -> Result<Vec<ListedSubscription>, TwitchError> {
        let mut request = calls::GetEventSubSubscriptionsRequest::default();
        request.conduit_id = Some(std::borrow::Cow::Owned(conduit.as_str().into()));
        self.all_pages(request).await
    }

    /// All chat subscriptions of a channel, wherever they deliver.
    pub(crate) async fn subscriptions_of(
        &self,
        broadcaster: &ChannelId,
    ) -> Result<Vec<ListedSubscription>, TwitchError> {
        let mut request = calls::GetEventSubSubscriptionsRequest::default();
        request.user_id = Some(std::borrow::Cow::Owned(broadcaster.as_str().into()));
        let mut all = self.all_pages(request).await?;
        all.retain(|listed| {
            listed.is_chat() && listed.condition.broadcaster_user_id.as_deref() == Some(broadcaster.as_str())
        });
        Ok(all)
    }

    async fn all_pages(
        &self,
        mut request: calls::GetEventSubSubscriptionsRequest<'static>,
    ) -> Result<Vec<ListedSubscription>, TwitchError> {
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: Page<ListedSubscription> =
                self.call(|token, client| request.create_request(token, client)).await?;
            let next = page.cursor();
            all.extend(page.data);
            let Some(cursor) = next else { return Ok(all) };
            request.after = Some(std::borrow::Cow::Owned(cursor.into()));
        }
        // Half a list would look as if the rest had ended.
        Err(TwitchError::malformed("a list of more pages than can be read in one go"))
    }

    async fn call<T: DeserializeOwned, B: Into<reqwest::Body>>(
        &self,
        build: impl Fn(&str, &str) -> Built<B>,
    ) -> Result<T, TwitchError> {
        serde_json::from_slice(&self.send(build).await?).map_err(TwitchError::malformed)
    }

    async fn send<B: Into<reqwest::Body>>(
        &self,
        build: impl Fn(&str, &str) -> Built<B>,
    ) -> Result<Vec<u8>, TwitchError> {
        let token = self.token.get().await?;
        match self.send_once(build(token.expose(), &self.config.client_id)).await {
            Err(TwitchError::Unauthorized(_)) => {
                self.token.refused(&token).await;
                let renewed = self.token.get().await?;
                self.send_once(build(renewed.expose(), &self.config.client_id)).await
            }
            answer => answer,
        }
    }

    async fn send_once<B: Into<reqwest::Body>>(&self, built: Built<B>) -> Result<Vec<u8>, TwitchError> {
        let (parts, body) = built.map_err(TwitchError::malformed)?.into_parts();
        let request =
            self.http.request(parts.method, self.ours(&parts.uri)).headers(parts.headers).body(body);
        let answer = request.send().await.map_err(TwitchError::unreachable)?;
        let status = answer.status().as_u16();
        let header = answer.headers().get("Ratelimit-Remaining").and_then(|value| value.to_str().ok());
        let points_left = header.and_then(|text| text.trim().parse().ok());
        let body = answer.bytes().await.map_err(TwitchError::unreachable)?;
        if (200..300).contains(&status) {
            Ok(body.to_vec())
        } else {
            Err(TwitchError::from_answer(status, &body, points_left))
        }
    }

    /// The crate's address, below our base.
    fn ours(&self, uri: &Uri) -> String {
        let path = uri.path().strip_prefix(CRATE_BASE).unwrap_or(uri.path());
        match uri.query().filter(|query| !query.is_empty()) {
            Some(query) => format!("{}?{query}", below(&self.config.urls.api, path)),
            None => below(&self.config.urls.api, path),
        }
    }
}
