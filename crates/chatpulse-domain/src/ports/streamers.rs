//! Streamers' accounts.

use async_trait::async_trait;

use crate::ids::{OverlayId, StreamerId, TwitchUserId};
use crate::login::{BotGrant, SealedTokens};
use crate::streamer::{Streamer, TwitchProfile};

use super::error::StoreError;

/// The old and the new address of a rotated overlay. Of several concurrent rotations each one's `old` is the `new` of
/// the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// No longer valid.
    pub old: OverlayId,
    /// Valid from now on.
    pub new: OverlayId,
}

/// What the caller has to clean up after an account was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedAccount {
    /// The address that is no longer valid.
    pub overlay: OverlayId,
    /// Tokens to revoke at Twitch: the login's and those of the consent to be the bot, if there are any.
    pub tokens: Vec<SealedTokens>,
}

/// Stores accounts durably: an answered write survives a crash.
///
/// Every adapter promises, and the testkit's contract checks:
/// - there is one account per Twitch id; logging in again updates names and tokens and keeps id and overlay;
/// - a new account has default settings at version 1 and a random overlay address;
/// - after `rotate_overlay` the old address finds nobody; concurrent rotations follow each other, none is lost;
/// - finding a streamer never needs to open tokens;
/// - deleting an account deletes its tokens, settings and logins and its user's consent to be the bot, and nothing of
///   anybody else.
#[async_trait]
pub trait StreamerRepository: Send + Sync {
    /// Creates the account at the first login and updates it at later ones.
    async fn sign_in(&self, profile: &TwitchProfile, tokens: &SealedTokens) -> Result<Streamer, StoreError>;

    /// Finds a streamer by our own id.
    async fn find(&self, id: StreamerId) -> Result<Option<Streamer>, StoreError>;

    /// Finds a streamer by the account at Twitch.
    async fn find_by_twitch_id(&self, twitch_id: &TwitchUserId) -> Result<Option<Streamer>, StoreError>;

    /// Finds a streamer by the secret address of the overlay.
    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Streamer>, StoreError>;

    /// Finds the streamer who logged in first of all.
    async fn first(&self) -> Result<Option<Streamer>, StoreError>;

    /// Gives the overlay a new address. Returns `None` without such a streamer.
    async fn rotate_overlay(&self, id: StreamerId) -> Result<Option<Rotation>, StoreError>;

    /// Deletes the account and everything that belongs to it. Returns `None` without such a streamer.
    async fn delete(&self, id: StreamerId) -> Result<Option<DeletedAccount>, StoreError>;

    /// Records that the bot account agreed. `tokens` came with that consent; `None` if it agreed with its login.
    async fn record_bot_grant(
        &self,
        grant: &BotGrant,
        tokens: Option<&SealedTokens>,
    ) -> Result<(), StoreError>;

    /// Finds the consent of this account to be the bot.
    async fn find_bot_grant(&self, bot: &TwitchUserId) -> Result<Option<BotGrant>, StoreError>;
}
