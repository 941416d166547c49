//! Who is logged in, who granted what, and whose tokens still work.

use crate::Sim;
use crate::tokens::{Owner, Scopes};

/// What one user granted to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The user.
    pub user_id: String,
    /// Scope names, sorted.
    pub scopes: Vec<String>,
}

impl Sim {
    /// Who the browser is logged in as at Twitch, from now on.
    pub fn sign_in_as(&self, user_id: &str) {
        self.shared.change(|world| world.accounts.sign_in_as(user_id));
    }

    /// As if the user had agreed to these scopes on the consent page; no page asks again for them.
    pub fn grant(&self, user_id: &str, scopes: &[&str]) {
        let scopes: Scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.shared.change(|world| world.accounts.grant(user_id, &scopes));
    }

    /// All grants, by user id.
    pub fn grants(&self) -> Vec<Grant> {
        self.shared.read(|world| {
            let grants = world.accounts.grants().iter();
            grants
                .map(|(id, scopes)| Grant { user_id: id.clone(), scopes: scopes.iter().cloned().collect() })
                .collect()
        })
    }

    /// Makes the user a moderator of the channel, whose chat it may then read.
    pub fn make_moderator(&self, channel: &str, user_id: &str) {
        self.shared.change(|world| world.accounts.make_moderator(channel, user_id));
    }

    /// The user disconnects the application in the settings at Twitch: grants and tokens end,
    /// subscriptions are revoked. The number of those.
    pub async fn disconnect_user(&self, user_id: &str) -> usize {
        self.shared.disconnect(user_id).await
    }

    /// How many app tokens are valid: one for a deployment that shares its own.
    pub fn app_tokens(&self) -> usize {
        self.shared.read(|world| world.tokens.count_app())
    }

    /// Every app token stops working, as if its time had come.
    pub fn expire_app_tokens(&self) {
        self.shared.change(|world| world.tokens.expire(|owner| *owner == Owner::App));
    }

    /// Every user token stops working, as if its time had come; refresh tokens stay.
    pub fn expire_user_tokens(&self) {
        self.shared.change(|world| world.tokens.expire(|owner| *owner != Owner::App));
    }

    /// Every refresh token is refused with 400 from now on.
    pub fn forget_refresh_tokens(&self) {
        self.shared.change(|world| world.tokens.forget_refresh_tokens());
    }
}
