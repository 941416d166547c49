//! Accounts.

use async_trait::async_trait;

use crate::ids::{OverlayId, StreamerId, TwitchUserId};
use crate::login::{BotGrant, SealedTokens};
use crate::streamer::{Streamer, TwitchProfile};

use super::error::StoreError;

/// An overlay's address was replaced. Of several replaced at once each has the one before as its `old`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// No longer valid.
    pub old: OverlayId,
    /// From now on.
    pub new: OverlayId,
}

/// What an account leaves behind for whoever deleted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// No longer valid.
    pub overlay: OverlayId,
    /// To be given back at Twitch: of the login, and of the consent to be the bot, as far as there are any.
    pub tokens: Vec<SealedTokens>,
}

/// Keeps accounts. Durable: what was answered survives a crash.
///
/// Every adapter promises, and the testkit's contract checks:
/// - one account per Twitch id; logging in again updates names and tokens and keeps id and overlay;
/// - a new account has default settings at version 1 and a random overlay address;
/// - after `rotate_overlay` the old address finds nobody; rotations at once replace each other, none is lost;
/// - finding a streamer never needs to open tokens;
/// - with an account its tokens, settings and logins go, and what its user agreed to as the bot; nobody else's.
#[async_trait]
pub trait StreamerRepository: Send + Sync {
    /// First login creates the account, later ones update it.
    async fn sign_in(&self, profile: &TwitchProfile, tokens: &SealedTokens) -> Result<Streamer, StoreError>;

    /// By our id.
    async fn find(&self, id: StreamerId) -> Result<Option<Streamer>, StoreError>;

    /// By the account at Twitch.
    async fn find_by_twitch_id(&self, twitch_id: &TwitchUserId) -> Result<Option<Streamer>, StoreError>;

    /// By the secret address.
    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Streamer>, StoreError>;

    /// Whoever logged in first of all.
    async fn first(&self) -> Result<Option<Streamer>, StoreError>;

    /// Gives the overlay a new address. `None` without such a streamer.
    async fn rotate_overlay(&self, id: StreamerId) -> Result<Option<Rotation>, StoreError>;

    /// Deletes the account and all that belongs to it. `None` without such a streamer.
    async fn delete(&self, id: StreamerId) -> Result<Option<Deleted>, StoreError>;

    /// Notes that the bot account agreed. `tokens` are what it gave for that alone; `None` if it agreed with its login.
    async fn note_bot_grant(&self, grant: &BotGrant, tokens: Option<&SealedTokens>)
    -> Result<(), StoreError>;

    /// Whether this account agreed to be the bot.
    async fn find_bot_grant(&self, bot: &TwitchUserId) -> Result<Option<BotGrant>, StoreError>;
}
