//! A message with its destination, ready to be sent without access to the world.

use bytestring::ByteString;
use serde_json::value::RawValue;

use crate::eventsub::message::{self, MessageType};
use crate::eventsub::session::Outbox;
use crate::eventsub::subscription::{Subscription, Transport};
use crate::eventsub::webhook::Post;
use crate::ids::now;
use crate::world::World;

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
