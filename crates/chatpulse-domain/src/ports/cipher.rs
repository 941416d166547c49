//! Encryption of tokens at rest.

use crate::ids::TwitchUserId;
use crate::login::{SealedTokens, UserTokens};

/// None of this server's keys opens the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tokens were sealed with another key, for another user, or are damaged")]
pub struct CannotOpen;

/// Seals and opens tokens. Sealed tokens are bound to their user: copied to another user's row they do not open.
pub trait TokenCipher: Send + Sync {
    /// Seals with the current key.
    fn seal(&self, user: &TwitchUserId, tokens: &UserTokens) -> SealedTokens;

    /// Opens with the current key or an earlier one.
    fn open(&self, user: &TwitchUserId, sealed: &SealedTokens) -> Result<UserTokens, CannotOpen>;

    /// Returns whether the current key sealed these tokens. If not, seal them again.
    fn is_current(&self, sealed: &SealedTokens) -> bool;
}
