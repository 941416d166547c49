//! Tokens at rest.

use crate::ids::TwitchUserId;
use crate::login::{SealedTokens, UserTokens};

/// Sealed tokens that this server's keys do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tokens were sealed with another key, for another user, or are damaged")]
pub struct CannotOpen;

/// Seals and opens tokens. Sealed bytes are bound to their user: copied to another row they do not open.
pub trait TokenCipher: Send + Sync {
    /// Seals with the current key.
    fn seal(&self, user: &TwitchUserId, tokens: &UserTokens) -> SealedTokens;

    /// Opens with the current key or an earlier one.
    fn open(&self, user: &TwitchUserId, sealed: &SealedTokens) -> Result<UserTokens, CannotOpen>;

    /// Sealed with the current key; else they are due to be sealed again.
    fn is_current(&self, sealed: &SealedTokens) -> bool;
}
