//! Delivers an event to every subscriber.
//!
//! [`Shared::publish`] finds the subscriptions, chooses the transport of each, and sends.

use std::sync::Arc;

use serde::Serialize;
use tracing::warn;

use crate::eventsub::event::Event;
use crate::eventsub::message::MessageType;
use crate::eventsub::parcel::Parcel;
use crate::eventsub::subscription::{Status, Subscription};
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
