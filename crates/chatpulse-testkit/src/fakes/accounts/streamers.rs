use std::time::SystemTime;

use async_trait::async_trait;
use chatpulse_domain::ids::{OverlayId, StreamerId, TwitchUserId};
use chatpulse_domain::login::{BotGrant, SealedTokens};
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation, StreamerRepository};
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use chatpulse_domain::time::Timestamp;

use super::{Account, Bot, Database};
use crate::builders;

/// The streamers of [`super::FakeAccounts`].
pub struct FakeStreamers(pub(super) Database);

#[async_trait]
impl StreamerRepository for FakeStreamers {
    async fn sign_in(&self, profile: &TwitchProfile, tokens: &SealedTokens) -> Result<Streamer, StoreError> {
        let mut tables = self.0.enter("sign a streamer in")?;
        let known = tables.accounts.iter_mut().find(|account| account.streamer.twitch_id == profile.id);
        if let Some(account) = known {
            account.streamer.login.clone_from(&profile.login);
            account.streamer.display_name.clone_from(&profile.display_name);
            (account.tokens, account.checked_at) = (Some(tokens.clone()), None);
            account.agreed_at = Timestamp::from(SystemTime::now());
            return Ok(account.streamer.clone());
        }
        let streamer = Streamer {
            id: StreamerId::random(),
            twitch_id: profile.id.clone(),
            login: profile.login.clone(),
            display_name: profile.display_name.clone(),
            overlay: OverlayId::random(),
        };
        tables.accounts.push(Account {
            streamer: streamer.clone(),
            tokens: Some(tokens.clone()),
            checked_at: None,
            agreed_at: Timestamp::from(SystemTime::now()),
            settings: builders::versioned(OverlaySettings::default(), 1),
            edited: SettingsVersion(1),
        });
        Ok(streamer)
    }

    async fn find(&self, id: StreamerId) -> Result<Option<Streamer>, StoreError> {
        let mut tables = self.0.enter("find a streamer")?;
        Ok(tables.account(id).map(|account| account.streamer.clone()))
    }

    async fn find_by_twitch_id(&self, twitch_id: &TwitchUserId) -> Result<Option<Streamer>, StoreError> {
        let tables = self.0.enter("find a Twitch user's account")?;
        let mut streamers = tables.accounts.iter().map(|account| &account.streamer);
        Ok(streamers.find(|streamer| streamer.twitch_id == *twitch_id).cloned())
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Streamer>, StoreError> {
        let tables = self.0.enter("find an overlay's streamer")?;
        let mut streamers = tables.accounts.iter().map(|account| &account.streamer);
        Ok(streamers.find(|streamer| streamer.overlay == overlay).cloned())
    }

    async fn first(&self) -> Result<Option<Streamer>, StoreError> {
        let tables = self.0.enter("find the first streamer")?;
        Ok(tables.accounts.first().map(|account| account.streamer.clone()))
    }

    async fn rotate_overlay(&self, id: StreamerId) -> Result<Option<Rotation>, StoreError> {
        let mut tables = self.0.enter("rotate an overlay's address")?;
        Ok(tables.account(id).map(|account| {
            let new = OverlayId::random();
            let old = std::mem::replace(&mut account.streamer.overlay, new);
            Rotation { old, new }
        }))
    }

    async fn delete(&self, id: StreamerId) -> Result<Option<DeletedAccount>, StoreError> {
        let mut tables = self.0.enter("delete an account")?;
        let Some(place) = tables.accounts.iter().position(|account| account.streamer.id == id) else {
            return Ok(None);
        };
        let gone = tables.accounts.remove(place);
        tables.logins.retain(|login| login.streamer != id);
        let place = tables.bots.iter().position(|bot| bot.grant.bot == gone.streamer.twitch_id);
        let bot = place.and_then(|place| tables.bots.remove(place).tokens);
        let tokens = gone.tokens.into_iter().chain(bot).collect();
        Ok(Some(DeletedAccount { overlay: gone.streamer.overlay, tokens }))
    }

    async fn record_bot_grant(
        &self,
        grant: &BotGrant,
        tokens: Option<&SealedTokens>,
    ) -> Result<(), StoreError> {
        let mut tables = self.0.enter("note the bot's consent")?;
        tables.bots.retain(|known| known.grant.bot != grant.bot);
        tables.bots.push(Bot { grant: grant.clone(), tokens: tokens.cloned(), checked_at: None });
        Ok(())
    }

    async fn find_bot_grant(&self, bot: &TwitchUserId) -> Result<Option<BotGrant>, StoreError> {
        let tables = self.0.enter("find the bot's consent")?;
        Ok(tables.bots.iter().map(|known| &known.grant).find(|grant| grant.bot == *bot).cloned())
    }
}
