//! Delivers an event to every subscriber.
//!
//! [`Shared::publish`] finds the subscriptions to an [`Event`], makes a [`Parcel`] for the transport of each, and sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytestring::ByteString;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::warn;

use crate::eventsub::message::{self, MessageType};
use crate::eventsub::session::Outbox;
use crate::eventsub::subscription::{Status, Subscription, Transport};
use crate::eventsub::webhook::Post;
use crate::ids::now;
use crate::shared::Shared;
use crate::world::World;

impl Shared {
    /// Sends the event to every subscriber, each message `1 + extra` times. Returns the number of messages sent.
    pub(crate) async fn publish(self: &Arc<Self>, kind: &str, body: &impl Serialize, extra: u32) -> usize {
        let event = match Event::new(kind, body) {
            Ok(event) => event,
            Err(error) => {
                warn!("an event of type {kind} is not a JSON object: {error}");
                return 0;
            }
        };
        let parcels = self.change(|world| {
            let parcels = world.address(&event, extra);
            world.last_sent.clone_from(&parcels);
            parcels
        });
        self.ship(parcels).await
    }

    /// Ends subscriptions with this status, and sends the revocations where their events were sent.
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        status: Status,
        which: impl Fn(&Subscription) -> bool,
    ) -> usize {
        let (ended, parcels) = self.change(|world| world.end_subscriptions(status, which));
        self.ship(parcels).await;
        ended
    }

    /// Sends all parcels. Returns how many were accepted for delivery.
    pub(crate) async fn ship(self: &Arc<Self>, parcels: Vec<Parcel>) -> usize {
        let mut shipped = 0;
        for parcel in parcels {
            let sent = match parcel {
                Parcel::Frame(outbox, frame) => outbox.send(frame).await,
                Parcel::Post(post) => self.post(post).await,
            };
            shipped += usize::from(sent);
        }
        shipped
    }
}

impl World {
    fn address(&mut self, event: &Event, extra: u32) -> Vec<Parcel> {
        let concerned = self.subscriptions.iter().filter(|subscription| event.concerns(subscription));
        let concerned: Vec<Subscription> = concerned.cloned().collect();
        let times = 1 + extra + self.faults.duplicates;
        let mut parcels = Vec::new();
        for subscription in concerned {
            let once =
                self.parcels(&subscription, event.channel(), MessageType::Notification, Some(&event.body));
            parcels.extend((0..times).flat_map(|_| once.clone()));
        }
        parcels
    }

    fn end_subscriptions(
        &mut self,
        status: Status,
        which: impl Fn(&Subscription) -> bool,
    ) -> (usize, Vec<Parcel>) {
        let ending: Vec<Subscription> = self
            .subscriptions
            .iter_mut()
            .filter(|subscription| subscription.status == Status::Enabled && which(subscription))
            .map(|subscription| {
                subscription.status = status;
                subscription.clone()
            })
            .collect();
        let mut parcels = Vec::new();
        for subscription in &ending {
            let channel = subscription.about("broadcaster_user_id").unwrap_or_default();
            parcels.extend(self.parcels(subscription, channel, MessageType::Revocation, None));
        }
        (ending.len(), parcels)
    }
}

/// One event of a type, with its body exactly as it will be sent.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) body: Box<RawValue>,
    /// Top-level text values of the body, which conditions are matched with.
    facts: BTreeMap<String, String>,
}

impl Event {
    pub(crate) fn new(kind: &str, body: &impl Serialize) -> serde_json::Result<Self> {
        let body = serde_json::value::to_raw_value(body)?;
        let all: BTreeMap<String, Value> = serde_json::from_str(body.get())?;
        let text = |(key, value): (String, Value)| match value {
            Value::String(text) => Some((key, text)),
            _ => None,
        };
        Ok(Self { kind: kind.to_owned(), body, facts: all.into_iter().filter_map(text).collect() })
    }

    /// Returns whether an enabled subscription matches this event. Keys that the event does not have, such as the
    /// reader of a chat, always match.
    pub(crate) fn concerns(&self, subscription: &Subscription) -> bool {
        let agrees =
            |(key, wanted): (&String, &String)| self.facts.get(key).is_none_or(|fact| fact == wanted);
        subscription.status == Status::Enabled
            && subscription.kind == self.kind
            && subscription.condition.iter().all(agrees)
    }

    /// Returns the key that selects the shard: the channel, or else the user or the conduit of the event.
    pub(crate) fn channel(&self) -> &str {
        ["broadcaster_user_id", "user_id", "conduit_id"]
            .iter()
            .find_map(|key| self.facts.get(*key))
            .map_or("", String::as_str)
    }
}

/// One outgoing message.
#[derive(Debug, Clone)]
pub(crate) enum Parcel {
    /// A frame for one open socket.
    Frame(Outbox, ByteString),
    /// A request to a webhook.
    Post(Post),
}

impl World {
    /// Returns messages about `subscription`, addressed to the current transport of `channel`. Several for a session
    /// that is reconnecting; none if no transport is available.
    pub(crate) fn parcels(
        &mut self,
        subscription: &Subscription,
        channel: &str,
        message_type: MessageType,
        event: Option<&RawValue>,
    ) -> Vec<Parcel> {
        let message_id = self.ids.uuid();
        match self.exit_of(subscription, channel) {
            Some(Transport::Webhook { callback, secret }) => vec![Parcel::Post(Post {
                callback: callback.clone(),
                secret: secret.clone(),
                message_id,
                message_type,
                timestamp: now(),
                about: Some((subscription.kind.clone(), subscription.version.clone())),
                body: message::body(subscription, event),
                retry: 0,
            })],
            Some(Transport::Websocket { session_id, .. }) => {
                let Some(session) = self.sessions.get(session_id) else {
                    return Vec::new();
                };
                let frame = message::frame(&message_id, message_type, subscription, event);
                session.outboxes().map(|outbox| Parcel::Frame(outbox.clone(), frame.clone())).collect()
            }
            Some(Transport::Conduit { .. }) | None => Vec::new(),
        }
    }
}
