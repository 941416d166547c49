//! Accounts at the simulated Twitch, what each has granted to the application, and how a user disconnects it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::config::SimUser;
use crate::eventsub::subscription::{Status, Subscription, Transport};
use crate::shared::Shared;
use crate::tokens::Scopes;

/// Accounts and their grants. Tokens are in [`crate::tokens`].
#[derive(Debug)]
pub(crate) struct Accounts {
    users: Vec<SimUser>,
    /// The user id that the browser is logged in as.
    signed_in: String,
    grants: BTreeMap<String, BTreeSet<String>>,
    /// Pairs of channel and moderator.
    moderators: BTreeSet<(String, String)>,
}

impl Accounts {
    pub(crate) fn new(users: Vec<SimUser>) -> Self {
        let signed_in = users.first().map(|user| user.id.clone()).unwrap_or_default();
        Self { users, signed_in, grants: BTreeMap::new(), moderators: BTreeSet::new() }
    }

    pub(crate) fn users(&self) -> &[SimUser] {
        &self.users
    }

    pub(crate) fn user(&self, id: &str) -> Option<&SimUser> {
        self.users.iter().find(|user| user.id == id)
    }

    /// Returns the names of a channel. An unregistered channel gets names derived from its id.
    pub(crate) fn profile(&self, id: &str) -> SimUser {
        let stranger = || SimUser::new(id, format!("channel_{id}"), format!("Channel_{id}"));
        self.user(id).cloned().unwrap_or_else(stranger)
    }

    pub(crate) fn signed_in(&self) -> &str {
        &self.signed_in
    }

    pub(crate) fn sign_in_as(&mut self, user_id: &str) {
        user_id.clone_into(&mut self.signed_in);
    }

    pub(crate) fn grants(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.grants
    }

    /// Returns whether the user has already granted all these scopes, so that no consent page is needed.
    pub(crate) fn has_consented(&self, user_id: &str, scopes: &Scopes) -> bool {
        self.grants.get(user_id).is_some_and(|granted| granted.is_superset(scopes))
    }

    pub(crate) fn has_granted(&self, user_id: &str, scope: &str) -> bool {
        self.grants.get(user_id).is_some_and(|granted| granted.contains(scope))
    }

    pub(crate) fn grant(&mut self, user_id: &str, scopes: &Scopes) {
        self.grants.entry(user_id.to_owned()).or_default().extend(scopes.iter().cloned());
    }

    /// Revokes all grants of the user. Returns false if there were none.
    pub(crate) fn disconnect(&mut self, user_id: &str) -> bool {
        self.grants.remove(user_id).is_some()
    }

    pub(crate) fn make_moderator(&mut self, channel: &str, user_id: &str) {
        self.moderators.insert((channel.to_owned(), user_id.to_owned()));
    }

    /// Returns whether the application may read the chat of `channel` as `reader` with an app token.
    ///
    /// Twitch does not document that a broadcaster counts as a moderator of the own channel, so `channel:bot` is also
    /// required from a streamer whose own account reads the chat.
    pub(crate) fn may_read_chat(&self, channel: &str, reader: &str) -> bool {
        let reader_agreed =
            self.has_granted(reader, "user:read:chat") && self.has_granted(reader, "user:bot");
        let is_moderator = self.moderators.contains(&(channel.to_owned(), reader.to_owned()));
        reader_agreed && (is_moderator || self.has_granted(channel, "channel:bot"))
    }
}

/// The event `user.authorization.revoke`.
#[derive(Serialize)]
struct AuthorizationRevoked<'a> {
    client_id: &'a str,
    user_id: &'a str,
    user_login: &'a str,
    user_name: &'a str,
}

impl Shared {
    /// Ends everything that depends on the user's grant and notifies the application. Returns the number of
    /// subscriptions that ended.
    pub(crate) async fn disconnect(self: &Arc<Self>, user_id: &str) -> usize {
        let user = self.change(|world| {
            world.accounts.disconnect(user_id);
            world.tokens.disconnect(user_id);
            world.accounts.profile(user_id)
        });
        let ended = self.revoke(Status::AuthorizationRevoked, |found| rests_on(found, user_id)).await;
        let event = AuthorizationRevoked {
            client_id: &self.config.client_id,
            user_id,
            user_login: &user.login,
            user_name: &user.display_name,
        };
        self.publish("user.authorization.revoke", &event, 0).await;
        ended
    }
}

/// Returns whether the subscription depends on the user's grant. Chat requires the reader's grant; over webhooks and
/// conduits it also requires the broadcaster's.
fn rests_on(subscription: &Subscription, user_id: &str) -> bool {
    if !subscription.kind.starts_with("channel.chat.") {
        return false;
    }
    let of_reader = subscription.about("user_id") == Some(user_id);
    let of_channel = subscription.about("broadcaster_user_id") == Some(user_id);
    let is_direct = matches!(subscription.transport, Transport::Websocket { .. });
    of_reader || (of_channel && !is_direct)
}
