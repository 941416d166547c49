//! Accounts: logging in, connecting the bot, a new overlay address, leaving.

mod revocation;

use std::sync::Arc;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::login::{BotGrant, Grant, LoginRole, SealedTokens};
use chatpulse_domain::ports::chat_feed::{ChatFeed, Served};
use chatpulse_domain::ports::cipher::TokenCipher;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation, StreamerRepository};
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner, TokenRepository};
use chatpulse_domain::ports::twitch_login::TwitchLogin;
use chatpulse_domain::streamer::Streamer;
use tracing::{info, warn};

use crate::Ports;
use crate::admission::Admission;
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
    admission: Arc<Admission>,
    cache: Arc<SessionCache>,
    reader: Arc<Reader>,
    sessions: Arc<Sessions>,
}

/// Why a streamer was not logged in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The operator admits other accounts. Nothing is kept of this one.
    #[error("the account may not log in here")]
    NotAdmitted,
    /// The account could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
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
        admission: Arc<Admission>,
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
            admission,
            cache,
            reader,
            sessions,
        }
    }

    /// What the next streamer who logs in is asked for: to be the reader too only where that may be needed.
    pub async fn role_of_next_login(&self) -> Result<LoginRole, StoreError> {
        let Some(reader) = self.reader.account() else {
            return Ok(LoginRole::StreamerAndReader);
        };
        let is_needed = self.admission.admits_only(&reader).await?
            || (!self.reader.is_configured() && self.streamers.find_bot_grant(&reader).await?.is_none());
        Ok(if is_needed { LoginRole::StreamerAndReader } else { LoginRole::Streamer })
    }

    /// A streamer who agreed at Twitch: the account is made or brought up to date. If the chat was refused
    /// before, it is asked for again. Tokens of a refused login are revoked.
    pub async fn sign_in(&self, grant: &Grant, role: LoginRole) -> Result<Streamer, SignInError> {
        let signed_in = self.admit_and_store(grant, role).await;
        if signed_in.is_err() {
            self.revoke_unused(std::slice::from_ref(&grant.tokens)).await;
        }
        signed_in
    }

    async fn admit_and_store(&self, grant: &Grant, role: LoginRole) -> Result<Streamer, SignInError> {
        if !self.admission.admit(&grant.user.id, &grant.user.login).await? {
            return Err(SignInError::NotAdmitted);
        }
        let held = self.tokens.of_user(&grant.user.id).await?;
        let (sealed, unused) = self.choose_tokens(grant, role, &held);
        // Before the login is stored: a revocation that Twitch announces is then older than what is agreed to now.
        self.revoke_unused(&unused).await;
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

    /// The bot account agreed. Tokens of another account, and those that it replaces, are revoked.
    pub async fn connect_bot(&self, grant: &Grant) -> Result<BotGrant, BotError> {
        let connected = self.check_and_note_bot(grant).await;
        if connected.is_err() {
            self.revoke_unused(std::slice::from_ref(&grant.tokens)).await;
        }
        connected
    }

    async fn check_and_note_bot(&self, grant: &Grant) -> Result<BotGrant, BotError> {
        if self.reader.account().as_ref() != Some(&grant.user.id) {
            return Err(BotError::OtherAccount);
        }
        let held = self.tokens.of_user(&grant.user.id).await?;
        let replaced = held.iter().filter(|stored| stored.owner == TokenOwner::Bot);
        self.revoke_unused(&self.replaced(grant, replaced)).await;
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
        let opened = tokens.iter().filter_map(|sealed| self.cipher.open(&streamer.twitch_id, sealed).ok());
        self.revoke_unused(&opened.collect::<Vec<_>>()).await;
        Ok(true)
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
