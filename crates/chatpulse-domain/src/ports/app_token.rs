//! The application's own access token at Twitch, which all instances share.

use async_trait::async_trait;

use crate::login::SealedTokens;

use super::error::StoreError;

/// Stores the token durably and never opens it.
///
/// Every adapter promises, and the testkit's contract checks: of several concurrent replacements exactly one succeeds.
#[async_trait]
pub trait AppTokenRepository: Send + Sync {
    /// Finds the current token.
    async fn find(&self) -> Result<Option<SealedTokens>, StoreError>;

    /// Replaces `old` with `new`. Returns false, and changes nothing, if the stored token is not `old`.
    async fn replace(&self, old: Option<&SealedTokens>, new: &SealedTokens) -> Result<bool, StoreError>;
}
