//! Users' tokens, sealed, and whether Twitch was asked about them lately.

use async_trait::async_trait;

use crate::ids::{StreamerId, TwitchUserId};
use crate::login::SealedTokens;
use crate::time::Timestamp;

use super::error::StoreError;

/// One account's tokens as they lie there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTokens {
    /// Whose account.
    pub streamer: StreamerId,
    /// Whom they are bound to.
    pub user: TwitchUserId,
    /// Never opened by the store.
    pub sealed: SealedTokens,
}

/// Keeps what [`StreamerRepository::sign_in`](super::streamers::StreamerRepository::sign_in) stored. Durable.
///
/// Every adapter promises, and the testkit's contract checks:
/// - access and refresh token change together, and only while they are still those that were read: a login meanwhile
///   wins;
/// - with the tokens every login of the account ends, all of it or nothing; account, overlay address and settings stay.
#[async_trait]
pub trait TokenRepository: Send + Sync {
    /// Everybody's, in the order of first logins.
    async fn all(&self) -> Result<Vec<KeptTokens>, StoreError>;

    /// Those that Twitch was not asked about since then, or never since their login; who waits longest comes first.
    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<KeptTokens>, StoreError>;

    /// Twitch was asked about `old` at `at`: from now on there is `new`, which may be the same. False, and nothing
    /// done, if they are no longer `old`.
    async fn renew(&self, old: &KeptTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError>;

    /// Twitch takes these no more: forgets them, and ends the account's logins. False, and nothing done, if they are no
    /// longer these.
    async fn forget(&self, old: &KeptTokens) -> Result<bool, StoreError>;

    /// This user took everything back at `at`: forgets their tokens and their consent to be the bot, and ends their
    /// logins; but not what they agreed to later. False if there was none of it.
    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError>;
}
