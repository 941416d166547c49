//! Logging in with Twitch.

use async_trait::async_trait;

use crate::login::{Grant, LoginRole, UserTokens};
use crate::secret::Secret;

use super::error::BoxError;

/// Why Twitch gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Twitch does not take this code or token: used before, too old, taken back, or made up.
    #[error("Twitch refused the code or token")]
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

    /// Whether an access token is still good. Twitch demands that it is asked at the start and every hour.
    async fn validate(&self, access: &Secret) -> Result<(), LoginError>;

    /// The next pair of tokens. The old refresh token may be spent by this, so what returns must be kept. Refused: the
    /// grant is dead.
    async fn refresh(&self, refresh: &Secret) -> Result<UserTokens, LoginError>;

    /// Gives an access token back, and with it all that its user agreed to. Refused: it is good no more.
    async fn revoke(&self, access: &Secret) -> Result<(), LoginError>;
}
