//! One place for both transports: chat becomes a delivery, everything else is counted and dealt with here.

use std::borrow::Cow;
use std::sync::Arc;

use chatpulse_domain::ids::{SubscriptionId, TwitchUserId};
use chatpulse_domain::ports::chat_sink::ChatDelivery;
use chatpulse_domain::ports::clock::Clock;
use tracing::{debug, info};

use crate::eventsub::event::{AnyBody, CHAT_MESSAGE, chat_message};
use crate::eventsub::signature::MessageTime;
use crate::feed::{Revocation, TwitchFeed};

/// Notification types that are counted under their own name; the rest is `other`.
const COUNTED_TYPES: [&str; 9] = [
    "conduit.shard.disabled",
    "user.authorization.grant",
    "user.authorization.revoke",
    "stream.online",
    "stream.offline",
    "channel.chat.message_delete",
    "channel.chat.clear_user_messages",
    "channel.chat.clear",
    "channel.chat.notification",
];

/// A verified notification or revocation, of either transport.
pub(crate) struct Envelope<'a> {
    pub(crate) transport_id: &'a str,
    pub(crate) sent_at: MessageTime,
    /// From the metadata; a webhook may come without, then the body says it.
    pub(crate) subscription_type: Option<&'a str>,
    /// `{"subscription":…,"event":…}`
    pub(crate) body: &'a [u8],
}

/// Sorts what Twitch tells us.
#[derive(Clone)]
pub struct EventRouter {
    clock: Arc<dyn Clock>,
    feed: TwitchFeed,
}

impl EventRouter {
    /// Revocations and the like go to `feed`.
    pub fn new(clock: Arc<dyn Clock>, feed: TwitchFeed) -> Self {
        Self { clock, feed }
    }

    /// `Some` for chat, which belongs to the sink.
    pub(crate) fn notification(&self, envelope: &Envelope<'_>) -> Option<ChatDelivery> {
        let kind = match envelope.subscription_type {
            Some(kind) => Cow::Borrowed(kind),
            None => serde_json::from_slice::<AnyBody<'_>>(envelope.body)
                .map(|body| body.subscription.kind)
                .unwrap_or_default(),
        };
        let fresh = envelope.sent_at.is_fresh(self.clock.now());
        if kind == CHAT_MESSAGE {
            if !fresh {
                return Some(ChatDelivery::Stale);
            }
            let message = chat_message(envelope.body, envelope.transport_id);
            return Some(message.map_or(ChatDelivery::Malformed, ChatDelivery::Message));
        }
        let label = COUNTED_TYPES.into_iter().find(|known| *known == kind).unwrap_or("other");
        metrics::counter!("eventsub_notifications_total", "type" => label).increment(1);
        if fresh && kind == "conduit.shard.disabled" {
            self.feed.check_shard();
        }
        debug!(kind = label, fresh, "notification");
        None
    }

    /// Twitch ended a subscription, and says why.
    pub(crate) fn revocation(&self, envelope: &Envelope<'_>) {
        let Ok(AnyBody { subscription }) = serde_json::from_slice::<AnyBody<'_>>(envelope.body) else {
            return;
        };
        let broadcaster = subscription.condition.broadcaster_user_id.as_deref().map(TwitchUserId::new);
        let (Some(Ok(broadcaster)), Ok(id)) = (broadcaster, SubscriptionId::new(&subscription.id)) else {
            return;
        };
        if subscription.kind != CHAT_MESSAGE || !envelope.sent_at.is_fresh(self.clock.now()) {
            return;
        }
        let why = Revocation::from_status(&subscription.status);
        info!(broadcaster.id = %broadcaster, ?why, "Twitch ended the chat subscription of {broadcaster}");
        self.feed.revoked(&broadcaster, &id, why);
    }
}
