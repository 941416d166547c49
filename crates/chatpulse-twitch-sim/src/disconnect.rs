//! A user disconnects the application or revokes a token: grants, tokens and subscriptions end.

use std::sync::Arc;

use serde::Serialize;

use crate::eventsub::subscription::{Status, Subscription, Transport};
use crate::shared::Shared;

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
