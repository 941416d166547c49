//! Which account reads chat: the configured bot, or in Solo the first streamer who logged in.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::streamers::StreamerRepository;

/// The reading account, once it is known.
pub struct Reader {
    configured: Option<TwitchUserId>,
    /// Another one after their account was deleted.
    first_streamer: RwLock<Option<TwitchUserId>>,
}

impl Reader {
    pub(crate) fn new(configured: Option<TwitchUserId>) -> Self {
        Self { configured, first_streamer: RwLock::default() }
    }

    /// Learns at start who logged in first.
    pub async fn load(&self, streamers: &dyn StreamerRepository) -> Result<(), StoreError> {
        if let Some(first) = streamers.first().await? {
            self.note_first(&first.twitch_id);
        }
        Ok(())
    }

    /// The account, or `None` before anybody logged in.
    pub fn account(&self) -> Option<TwitchUserId> {
        self.configured.clone().or_else(|| self.first_streamer().clone())
    }

    fn first_streamer(&self) -> RwLockReadGuard<'_, Option<TwitchUserId>> {
        self.first_streamer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the operator chose the account.
    pub(crate) fn is_configured(&self) -> bool {
        self.configured.is_some()
    }

    /// A shared bot talks in a streamer's chat; what it says is not a vote.
    pub(crate) fn wrote(&self, message: &ChatMessage) -> bool {
        let is_writer = |reader: &TwitchUserId| {
            message.chatter.is_twitch_user(reader) && !message.chatter.owns(&message.broadcaster)
        };
        match &self.configured {
            Some(reader) => is_writer(reader),
            None => self.first_streamer().as_ref().is_some_and(is_writer),
        }
    }

    pub(crate) fn note_first(&self, streamer: &TwitchUserId) {
        if self.first_streamer().is_none() {
            let mut first = self.first_streamer.write().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| streamer.clone());
        }
    }

    /// This account is gone. If it was the one that read, whoever logged in next is, if anybody did.
    pub(crate) fn replace(&self, gone: &TwitchUserId, first: Option<TwitchUserId>) {
        let mut known = self.first_streamer.write().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() == Some(gone) {
            *known = first;
        }
    }
}
