//! Webhook verification: a webhook must echo a challenge before it receives events.

use std::sync::Arc;

use serde::Serialize;

use crate::eventsub::message::{MessageType, json};
use crate::eventsub::subscription::{InMessage, Status, Subscription, Transport};
use crate::eventsub::webhook::Post;
use crate::ids::now;
use crate::shared::Shared;

#[derive(Serialize)]
struct ShardChallenge<'a> {
    challenge: &'a str,
    conduit_shard: ConduitShard<'a>,
}

#[derive(Serialize)]
struct ConduitShard<'a> {
    conduit_id: &'a str,
    shard: String,
}

#[derive(Serialize)]
struct SubscriptionChallenge<'a> {
    challenge: &'a str,
    subscription: InMessage<'a>,
}

impl Shared {
    /// Challenges the webhook of a shard in the background, then enables the shard or marks the verification as failed.
    pub(crate) fn verify_shard(self: &Arc<Self>, conduit_id: &str, shard_id: usize, transport: Transport) {
        let shared = Arc::clone(self);
        let conduit_id = conduit_id.to_owned();
        self.spawn(async move {
            let challenge = shared.change(|world| world.ids.challenge());
            let conduit_shard = ConduitShard { conduit_id: &conduit_id, shard: shard_id.to_string() };
            let body = json(&ShardChallenge { challenge: &challenge, conduit_shard });
            let status = shared.challenge(&transport, &challenge, body, None).await;
            shared.change(|world| {
                let shards = world.conduit_mut(&conduit_id).map(|conduit| &mut conduit.shards);
                let found = shards.and_then(|shards| shards.get_mut(shard_id));
                if let Some(found) = found.filter(|found| found.has(&transport)) {
                    found.status = status;
                }
            });
        });
    }

    /// Challenges the webhook of a direct subscription in the background.
    pub(crate) fn verify_subscription(self: &Arc<Self>, subscription: Subscription) {
        let shared = Arc::clone(self);
        self.spawn(async move {
            let challenge = shared.change(|world| world.ids.challenge());
            let body = json(&SubscriptionChallenge {
                challenge: &challenge,
                subscription: subscription.in_message(),
            });
            let about = Some((subscription.kind.clone(), subscription.version.clone()));
            let status = shared.challenge(&subscription.transport, &challenge, body, about).await;
            shared.change(|world| {
                let pending = Status::WebhookCallbackVerificationPending;
                let subscription = world.subscription_mut(&subscription.id);
                if let Some(subscription) = subscription.filter(|found| found.status == pending) {
                    subscription.status = status;
                }
            });
        });
    }

    /// Returns the resulting status: enabled only if the response is exactly the challenge, as plain text.
    async fn challenge(
        &self,
        transport: &Transport,
        challenge: &str,
        body: String,
        about: Option<(String, String)>,
    ) -> Status {
        let Transport::Webhook { callback, secret } = transport else {
            return Status::WebhookCallbackVerificationFailed;
        };
        let post = Post {
            callback: callback.clone(),
            secret: secret.clone(),
            message_id: self.change(|world| world.ids.uuid()),
            message_type: MessageType::Verification,
            timestamp: now(),
            about,
            body,
            retry: 0,
        };
        let echoed = self.post_once(&post).await.is_ok_and(|answer| {
            answer.status == 200 && answer.body == challenge && answer.content_type.starts_with("text/plain")
        });
        if echoed { Status::Enabled } else { Status::WebhookCallbackVerificationFailed }
    }
}
