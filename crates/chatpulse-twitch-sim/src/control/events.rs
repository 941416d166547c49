//! Inspects subscriptions and conduits, pushes events and sends revocations.

use serde::Serialize;

use crate::Sim;
use crate::eventsub::conduit::Conduit;
use crate::eventsub::parcel::Parcel;
use crate::eventsub::subscription::{Status, Subscription};

impl Sim {
    /// Returns all conduits with their shards.
    pub fn conduits(&self) -> Vec<Conduit> {
        self.shared.read(|world| world.conduits.clone())
    }

    /// Deletes a conduit with its subscriptions, as Twitch does after three days without a shard.
    pub fn delete_conduit(&self, id: &str) {
        self.shared.change(|world| world.delete_conduit(id));
    }

    /// Returns all subscriptions, oldest first, including disabled ones.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.shared.read(|world| world.subscriptions.clone())
    }

    /// Returns the subscriptions to a channel's chat.
    pub fn chat_subscriptions(&self) -> Vec<Subscription> {
        let mut all = self.subscriptions();
        all.retain(|subscription| subscription.kind == "channel.chat.message");
        all
    }

    /// Returns whether a chat message in this channel would be delivered now.
    pub fn chat_is_read(&self, channel: &str) -> bool {
        self.shared.read(|world| world.chat_is_read(channel))
    }

    /// Sends an event to every enabled subscription of this type whose condition matches the values of the same name in
    /// `event`, a JSON object. Returns the number of notifications.
    pub async fn push_event(&self, kind: &str, event: &impl Serialize) -> usize {
        self.shared.publish(kind, event, 0).await
    }

    /// Ends a subscription with this status and sends the revocation. Returns false if it was not enabled.
    pub async fn revoke_subscription(&self, id: &str, status: Status) -> bool {
        self.shared.revoke(status, |subscription| subscription.id == id).await > 0
    }

    /// Repeats every later notification `extra` times with the same ids; 0 turns this off.
    pub fn duplicate_deliveries(&self, extra: u32) {
        self.shared.change(|world| world.faults.duplicates = extra);
    }

    /// Sends the latest event again with the same message ids, as Twitch does after a lost response.
    pub async fn resend_last(&self) -> usize {
        let mut parcels = self.shared.read(|world| world.last_sent.clone());
        for parcel in &mut parcels {
            if let Parcel::Post(post) = parcel {
                post.retry += 1;
            }
        }
        self.shared.ship(parcels).await
    }
}
