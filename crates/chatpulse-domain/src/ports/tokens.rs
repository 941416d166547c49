//! Users' sealed tokens, and when Twitch last validated them.

use async_trait::async_trait;

use crate::ids::{StreamerId, TwitchUserId};
use crate::login::SealedTokens;
use crate::time::Timestamp;

use super::error::StoreError;

/// What tokens are stored for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// The login of this account.
    Streamer(StreamerId),
    /// The consent of an account to be the bot. That account need not have logged in here.
    Bot,
}

/// One user's tokens as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTokens {
    /// What they are stored for.
    pub owner: TokenOwner,
    /// The user that they are bound to.
    pub user: TwitchUserId,
    /// Never opened by the store.
    pub sealed: SealedTokens,
}

/// Stores the tokens that [`sign_in`](super::streamers::StreamerRepository::sign_in) and
/// [`record_bot_grant`](super::streamers::StreamerRepository::record_bot_grant) recorded. Durable.
///
/// Every adapter promises, and the testkit's contract checks:
/// - access and refresh token change together, and only while they are still those that the caller read: a login in
///   between wins;
/// - deleting an account's tokens ends all its logins, and its consent to be the bot if that came with the login;
///   account, overlay address and settings stay. Deleting the bot's tokens ends its consent, and no login;
/// - each call takes effect completely or not at all.
#[async_trait]
pub trait TokenRepository: Send + Sync {
    /// Lists everybody's tokens in the order of first logins; those of bots come last.
    async fn all(&self) -> Result<Vec<StoredTokens>, StoreError>;

    /// Lists the tokens of one user: those of the login, then those of the consent to be the bot.
    async fn of_user(&self, user: &TwitchUserId) -> Result<Vec<StoredTokens>, StoreError>;

    /// Lists tokens that were not validated since `then`, or never since their login. The longest unchecked comes first.
    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<StoredTokens>, StoreError>;

    /// Records that Twitch validated `old` at `at` and that `new`, which may be the same, replaces it. Returns false,
    /// and changes nothing, if the stored tokens are no longer `old`.
    async fn renew(&self, old: &StoredTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError>;

    /// Deletes tokens that Twitch no longer accepts, and ends the logins and the consent that depend on them. Returns
    /// false, and changes nothing, if the stored tokens are no longer `old`.
    async fn delete(&self, old: &StoredTokens) -> Result<bool, StoreError>;

    /// Records that this user withdrew all consent at `at`: deletes their tokens and their consent to be the bot, and
    /// ends their logins, but keeps what they agreed to after `at`. Returns false if there was nothing to delete.
    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError>;
}
