//! The application's own token at Twitch: one for all instances.

use async_trait::async_trait;

use crate::login::SealedTokens;

use super::error::StoreError;

/// Keeps it. Durable, and never opened by the store.
///
/// Every adapter promises, and the testkit's contract checks: of several replaced at once one counts.
#[async_trait]
pub trait AppTokenRepository: Send + Sync {
    /// The one that was put last.
    async fn find(&self) -> Result<Option<SealedTokens>, StoreError>;

    /// From now on there is `new`. False, and nothing done, if what is there is not `old`.
    async fn replace(&self, old: Option<&SealedTokens>, new: &SealedTokens) -> Result<bool, StoreError>;
}
