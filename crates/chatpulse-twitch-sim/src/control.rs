//! Test controls: change and inspect the simulated Twitch.
//!
//! All are methods of [`Sim`], in this order: people and their grants, sockets, events and subscriptions, HTTP faults,
//! and waiting for conditions.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::Sim;
use crate::eventsub::conduit::Conduit;
use crate::eventsub::delivery::Parcel;
use crate::eventsub::message;
use crate::eventsub::session::{Command, Session};
use crate::eventsub::subscription::{Status, Subscription};
use crate::faults::{Endpoint, Fault, WebhookFailure};
use crate::tokens::{Owner, Scopes};

/// The grant of one user to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The user.
    pub user_id: String,
    /// Scope names, sorted.
    pub scopes: Vec<String>,
}

/// Who is logged in, what users have granted, and which tokens are valid.
impl Sim {
    /// Sets the account that the browser is logged in as at Twitch.
    pub fn sign_in_as(&self, user_id: &str) {
        self.shared.change(|world| world.accounts.sign_in_as(user_id));
    }

    /// Grants these scopes, as on the consent page. No consent page is shown for them again.
    pub fn grant(&self, user_id: &str, scopes: &[&str]) {
        let scopes: Scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.shared.change(|world| world.accounts.grant(user_id, &scopes));
    }

    /// Returns all grants, sorted by user id.
    pub fn grants(&self) -> Vec<Grant> {
        self.shared.read(|world| {
            let grants = world.accounts.grants().iter();
            grants
                .map(|(id, scopes)| Grant { user_id: id.clone(), scopes: scopes.iter().cloned().collect() })
                .collect()
        })
    }

    /// Makes the user a moderator of the channel, so that it may read the channel's chat.
    pub fn make_moderator(&self, channel: &str, user_id: &str) {
        self.shared.change(|world| world.accounts.make_moderator(channel, user_id));
    }

    /// Disconnects the application as the user would in Twitch's settings: grants and tokens end and subscriptions are
    /// revoked. Returns the number of revoked subscriptions.
    pub async fn disconnect_user(&self, user_id: &str) -> usize {
        self.shared.disconnect(user_id).await
    }

    /// Returns the access tokens that the application revoked, oldest first.
    pub fn revoked_tokens(&self) -> Vec<String> {
        self.shared.read(|world| world.tokens.revoked().to_vec())
    }

    /// Returns the number of valid app tokens. A deployment that shares its token has one.
    pub fn app_tokens(&self) -> usize {
        self.shared.read(|world| world.tokens.count_app())
    }

    /// Expires every app token.
    pub fn expire_app_tokens(&self) {
        self.shared.change(|world| world.tokens.expire(|owner| *owner == Owner::App));
    }

    /// Expires every user access token; refresh tokens stay valid.
    pub fn expire_user_tokens(&self) {
        self.shared.change(|world| world.tokens.expire(|owner| *owner != Owner::App));
    }

    /// Rejects every refresh token with 400 from now on.
    pub fn forget_refresh_tokens(&self) {
        self.shared.change(|world| world.tokens.forget_refresh_tokens());
    }
}

/// Faults of WebSocket connections. A method that causes one affects every open socket and returns the number of
/// sockets.
impl Sim {
    /// Returns the ids of the connected sessions.
    pub fn sessions(&self) -> Vec<String> {
        self.shared.read(|world| world.sessions.keys().cloned().collect())
    }

    /// Returns the number of open sockets; a session that is reconnecting has two.
    pub fn open_sockets(&self) -> usize {
        self.shared.read(|world| world.sessions.values().flat_map(Session::outboxes).count())
    }

    /// Returns whether a session was asked to reconnect and still has its old socket.
    pub fn is_reconnecting(&self) -> bool {
        let has_old_socket = |session: &Session| session.handover.is_some() || session.sockets.len() > 1;
        self.shared.read(|world| world.sessions.values().any(has_old_socket))
    }

    /// Sends a reconnect message to every session, as Twitch does before it stops a server.
    pub fn force_reconnect(&self) -> usize {
        let base = self.eventsub_ws_url();
        self.shared.change(|world| {
            let ids = &mut world.ids;
            for (id, session) in &mut world.sessions {
                let challenge = ids.uuid();
                let url = format!("{base}?challenge={challenge}&id={id}");
                let frame = message::reconnect(&ids.uuid(), id, session, &url);
                session.handover = Some(challenge);
                if let Some((_, newest)) = session.sockets.last() {
                    newest.order(Command::Reconnect(frame));
                }
            }
            world.sessions.len()
        })
    }

    /// Closes every socket with this code, 4000 to 4007.
    pub fn close_sockets(&self, code: u16) -> usize {
        self.order_sockets(|| Command::Close(code))
    }

    /// Breaks the connections without a close frame.
    pub fn drop_sockets(&self) -> usize {
        self.order_sockets(|| Command::Drop)
    }

    /// Stops all frames on the open sockets, both events and keepalives. Sockets opened later are not affected.
    pub fn silence_sockets(&self) -> usize {
        self.order_sockets(|| Command::Silence)
    }

    fn order_sockets(&self, command: impl Fn() -> Command) -> usize {
        self.shared.read(|world| {
            let sockets = world.sessions.values().flat_map(Session::outboxes);
            sockets.map(|outbox| outbox.order(command())).count()
        })
    }
}

/// Inspects subscriptions and conduits, pushes events and sends revocations.
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

/// HTTP faults and call counts.
impl Sim {
    /// Answers the next `times` calls of this endpoint with a fault. These calls have no other effect.
    pub fn fail_next(&self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.shared.change(|world| world.faults.order(endpoint, fault, times));
    }

    /// Delays every HTTP response by this time.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.change(|world| world.faults.latency = latency);
    }

    /// Returns how often this endpoint was called, including faults.
    pub fn calls(&self, endpoint: Endpoint) -> u64 {
        self.shared.read(|world| world.faults.calls(endpoint))
    }

    /// Returns the latest 1 000 failed webhook attempts, oldest first.
    pub fn webhook_failures(&self) -> Vec<WebhookFailure> {
        self.shared.read(|world| world.faults.webhook_failures())
    }
}

/// Waits for conditions without polling.
impl Sim {
    /// Waits until `condition` holds; it is checked after every change. Returns false after the timeout.
    pub async fn wait_until(&self, limit: Duration, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let mut changes = self.shared.changes();
        let holds = async {
            while !condition(self) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        timeout(limit, holds).await.unwrap_or(false)
    }

    /// Waits until a chat message in this channel would be delivered.
    pub async fn wait_until_subscribed(&self, channel: &str, limit: Duration) -> bool {
        self.wait_until(limit, |sim| sim.chat_is_read(channel)).await
    }
}
