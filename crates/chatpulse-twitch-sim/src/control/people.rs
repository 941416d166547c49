//! Controls who is logged in, what users have granted, and which tokens are valid.

use crate::Sim;
use crate::tokens::{Owner, Scopes};

/// The grant of one user to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The user.
    pub user_id: String,
    /// Scope names, sorted.
    pub scopes: Vec<String>,
}

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
