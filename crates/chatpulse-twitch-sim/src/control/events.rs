//! Subscriptions and conduits to look at, events to push, revocations to send.

use serde::Serialize;

use crate::Sim;
use crate::eventsub::conduit::Conduit;
use crate::eventsub::parcel::Parcel;
use crate::eventsub::subscription::{Status, Subscription};

impl Sim {
    /// All conduits with their shards.
    pub fn conduits(&self) -> Vec<Conduit> {
        self.shared.read(|world| world.conduits.clone())
    }

    /// Deletes a conduit with its subscriptions, as Twitch does after three days without a shard.
    pub fn delete_conduit(&self, id: &str) {
        self.shared.change(|world| world.delete_conduit(id));
    }

    /// All subscriptions, oldest first, dead ones too.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.shared.read(|world| world.subscriptions.clone())
    }

    /// Those that deliver a channel's chat.
    pub fn chat_subscriptions(&self) -> Vec<Subscription> {
        let mut all = self.subscriptions();
        all.retain(|subscription| subscription.kind == "channel.chat.message");
        all
    }

    /// Whether a chat line in this channel would reach somebody now.
    pub fn chat_is_read(&self, channel: &str) -> bool {
        self.shared.read(|world| world.chat_is_read(channel))
    }

    /// Sends an event to every enabled subscription of this type whose condition agrees with the
    /// values of the same name in `event`, a JSON object. The number of notifications.
    pub async fn push_event(&self, kind: &str, event: &impl Serialize) -> usize {
        self.shared.publish(kind, event, 0).await
    }

    /// Ends a subscription with this status and sends the revocation. False when it was not enabled.
    pub async fn revoke_subscription(&self, id: &str, status: Status) -> bool {
        self.shared.revoke(status, |subscription| subscription.id == id).await > 0
    }

    /// Sends every later notification `extra` more times with the same ids; 0 ends that.
    pub fn duplicate_deliveries(&self, extra: u32) {
        self.shared.change(|world| world.faults.duplicates = extra);
    }

    /// Sends the newest event again with the same message ids, as after a lost answer.
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
