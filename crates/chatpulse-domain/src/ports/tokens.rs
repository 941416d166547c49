//! Users' tokens, sealed, and whether Twitch was asked about them lately.

use async_trait::async_trait;

use crate::ids::{StreamerId, TwitchUserId};
use crate::login::SealedTokens;
use crate::time::Timestamp;

use super::error::StoreError;

/// What tokens are kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// This account's login.
    Streamer(StreamerId),
    /// The consent of an account to be the bot, which need not have an account here.
    Bot,
}

/// One user's tokens as they lie there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTokens {
    /// What they are kept for.
    pub owner: TokenOwner,
    /// Whom they are bound to.
    pub user: TwitchUserId,
    /// Never opened by the store.
    pub sealed: SealedTokens,
}

/// Keeps what [`sign_in`](super::streamers::StreamerRepository::sign_in) and
/// [`note_bot_grant`](super::streamers::StreamerRepository::note_bot_grant) stored. Durable.
///
/// Every adapter promises, and the testkit's contract checks:
/// - access and refresh token change together, and only while they are still those that were read: a login meanwhile
///   wins;
/// - with an account's tokens every login of it ends, and its consent to be the bot if that came with the login; account,
///   overlay address and settings stay; with the bot's tokens its consent ends, and no login;
/// - all of it or nothing.
#[async_trait]
pub trait TokenRepository: Send + Sync {
    /// Everybody's, in the order of first logins; those of bots last.
    async fn all(&self) -> Result<Vec<KeptTokens>, StoreError>;

    /// Those that Twitch was not asked about since then, or never since their login; who waits longest comes first.
    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<KeptTokens>, StoreError>;

    /// Twitch was asked about `old` at `at`: from now on there is `new`, which may be the same. False, and nothing
    /// done, if they are no longer `old`.
    async fn renew(&self, old: &KeptTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError>;

    /// Twitch takes these no more: forgets them, and ends what rests on them. False, and nothing done, if they are no
    /// longer these.
    async fn forget(&self, old: &KeptTokens) -> Result<bool, StoreError>;

    /// This user took everything back at `at`: forgets their tokens and their consent to be the bot, and ends their
    /// logins; but not what they agreed to later. False if there was none of it.
    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError>;
}
