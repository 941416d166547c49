//! Accounts: logging in, connecting the bot, a new overlay address, leaving.

use std::sync::Arc;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::login::{BotGrant, Grant, LoginRole, SealedTokens, UserTokens};
use chatpulse_domain::ports::chat_feed::{ChatFeed, Served};
use chatpulse_domain::ports::cipher::TokenCipher;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation, StreamerRepository};
use chatpulse_domain::ports::tokens::{StoredTokens, TokenRepository};
use chatpulse_domain::ports::twitch_login::{LoginError, TwitchLogin};
use chatpulse_domain::streamer::Streamer;
use tracing::{info, warn};

use crate::Ports;
use crate::cache::SessionCache;
use crate::reader::Reader;
use crate::sessions::Sessions;

/// Signs in and keeps accounts.
pub struct Accounts {
    clock: Arc<dyn Clock>,
    streamers: Arc<dyn StreamerRepository>,
    tokens: Arc<dyn TokenRepository>,
    live: Arc<dyn SessionStore>,
    signals: Arc<dyn Signals>,
    feed: Arc<dyn ChatFeed>,
    cipher: Arc<dyn TokenCipher>,
    login: Arc<dyn TwitchLogin>,
    cache: Arc<SessionCache>,
    reader: Arc<Reader>,
    sessions: Arc<Sessions>,
}

/// Why the bot was not connected.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    /// Somebody else agreed.
    #[error("the account that agreed is not the bot account")]
    OtherAccount,
    /// It could not be noted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    pub(crate) fn new(
        ports: &Ports,
        cache: Arc<SessionCache>,
        reader: Arc<Reader>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self {
            clock: Arc::clone(&ports.clock),
            streamers: Arc::clone(&ports.streamers),
            tokens: Arc::clone(&ports.tokens),
            live: Arc::clone(&ports.sessions),
            signals: Arc::clone(&ports.signals),
            feed: Arc::clone(&ports.feed),
            cipher: Arc::clone(&ports.cipher),
            login: Arc::clone(&ports.login),
            cache,
            reader,
            sessions,
        }
    }

    /// A streamer who agreed at Twitch: the account is made or brought up to date. If the chat was refused
    /// before, it is asked for again.
    pub async fn sign_in(&self, grant: &Grant, role: LoginRole) -> Result<Streamer, StoreError> {
        let sealed = self.cipher.seal(&grant.user.id, &grant.tokens);
        let streamer = self.streamers.sign_in(&grant.user, &sealed).await?;
        self.reader.note_first(&streamer.twitch_id);
        if role == LoginRole::StreamerAndReader && self.reader.account().as_ref() == Some(&streamer.twitch_id)
        {
            // One grant, whose tokens the account keeps.
            self.note_bot(grant, None).await?;
        }
        self.cache.forget(&streamer.channel());
        self.feed.consent_changed(&streamer.twitch_id.chatter());
        match self.live.find(&streamer.channel()).await {
            Ok(Some(_)) => self.sessions.read_chat(streamer.channel(), Served::Here),
            Ok(None) => {}
            Err(error) => {
                warn!(%error, "a streamer logged in, and whether an overlay is open could not be seen");
            }
        }
        Ok(streamer)
    }

    /// The bot account agreed.
    pub async fn connect_bot(&self, grant: &Grant) -> Result<BotGrant, BotError> {
        if self.reader.account().as_ref() != Some(&grant.user.id) {
            return Err(BotError::OtherAccount);
        }
        let sealed = self.cipher.seal(&grant.user.id, &grant.tokens);
        Ok(self.note_bot(grant, Some(&sealed)).await?)
    }

    /// Chats that were refused for want of this grant are asked for again.
    async fn note_bot(&self, grant: &Grant, tokens: Option<&SealedTokens>) -> Result<BotGrant, StoreError> {
        let noted = BotGrant {
            bot: grant.user.id.clone(),
            display_name: grant.user.display_name.clone(),
            granted_at: self.clock.now(),
        };
        self.streamers.record_bot_grant(&noted, tokens).await?;
        self.feed.consent_changed(&noted.bot.chatter());
        Ok(noted)
    }

    /// Whether the account that reads chat has agreed; `None` while it is not known who that is.
    pub async fn bot_is_connected(&self) -> Result<Option<bool>, StoreError> {
        let Some(bot) = self.reader.account() else {
            return Ok(None);
        };
        Ok(Some(self.streamers.find_bot_grant(&bot).await?.is_some()))
    }

    /// A new overlay address. The old one is dead from the moment this returns: its session is gone and its
    /// sockets are told to close.
    pub async fn rotate_overlay(&self, streamer: &Streamer) -> Result<Option<OverlayId>, StoreError> {
        let Some(Rotation { old, new }) = self.streamers.rotate_overlay(streamer.id).await? else {
            return Ok(None);
        };
        self.end_overlay(streamer, old).await;
        Ok(Some(new))
    }

    /// Deletes the account: nothing of it is left here, its overlay is dead, and what the user agreed to is given back at
    /// Twitch, which then ends the chat's subscription. False if it was gone already.
    pub async fn delete(&self, streamer: &Streamer) -> Result<bool, StoreError> {
        let Some(DeletedAccount { overlay, tokens }) = self.streamers.delete(streamer.id).await? else {
            return Ok(false);
        };
        info!(streamer.id = %streamer.id, "an account was deleted by its streamer");
        self.end_overlay(streamer, overlay).await;
        match self.streamers.first().await {
            Ok(first) => self.reader.replace(&streamer.twitch_id, first.map(|first| first.twitch_id)),
            Err(error) => warn!(%error, "whether another account reads chat from now on could not be seen"),
        }
        for sealed in tokens {
            if let Ok(tokens) = self.cipher.open(&streamer.twitch_id, &sealed)
                && let Err(error) = self.give_back(&tokens).await
            {
                warn!(%error, "an account was deleted, and what its streamer agreed to could not be given back at Twitch");
            }
        }
        Ok(true)
    }

    /// An access token that ran out cannot be given back; the next one can.
    async fn give_back(&self, tokens: &UserTokens) -> Result<(), LoginError> {
        match (self.login.revoke(&tokens.access).await, &tokens.refresh) {
            (Err(LoginError::Refused(_)), Some(refresh)) => {
                let next = self.login.refresh(refresh).await?;
                self.login.revoke(&next.access).await
            }
            (given_back, _) => given_back,
        }
    }

    /// Its session is gone and its sockets are told to close.
    async fn end_overlay(&self, streamer: &Streamer, overlay: OverlayId) {
        self.sessions.retire(overlay).await;
        if let Err(error) = self.live.delete(overlay).await {
            warn!(%error, "an overlay address ended; its session will be cleaned up later");
        }
        self.cache.forget(&streamer.channel());
        self.signals.publish(Signal::SessionChanged(streamer.channel()));
        self.signals.publish(Signal::OverlayRotated(overlay));
    }

    /// How many users' tokens our keys do not open, of how many. Those users agree again.
    pub async fn count_unopenable(&self) -> Result<(usize, usize), StoreError> {
        let all = self.tokens.all().await?;
        let shut = |kept: &&StoredTokens| self.cipher.open(&kept.user, &kept.sealed).is_err();
        Ok((all.iter().filter(shut).count(), all.len()))
    }
}
