//! Logging in with Twitch.

use async_trait::async_trait;

use crate::login::{Grant, LoginRole};
use crate::secret::Secret;

use super::error::BoxError;

/// Why a code was not exchanged.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Twitch does not take this code: used before, too old, or made up.
    #[error("Twitch refused the login code")]
    Refused(#[source] BoxError),
    /// No usable answer. Trying again may help.
    #[error("Twitch could not be reached")]
    Unreachable(#[source] BoxError),
}

/// The OAuth side of Twitch.
#[async_trait]
pub trait TwitchLogin: Send + Sync {
    /// Where to send the browser. `state` comes back unchanged.
    fn authorize_url(&self, role: LoginRole, state: &str) -> String;

    /// Turns the code that came back into the user and their tokens.
    async fn exchange(&self, code: &Secret) -> Result<Grant, LoginError>;
}
