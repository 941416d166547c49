//! Which chats are read: those of the sessions that this instance serves, and at the leader those of all sessions.

use chatpulse_domain::ids::{ChannelId, OverlayId};
use chatpulse_domain::ports::chat_feed::{ChatChannel, Served};
use chatpulse_domain::ports::error::StoreError;

use super::Sessions;
use super::reconcile::COMPARED_AT_ONCE;

impl Sessions {
    /// Has a chat read by the account that reads, once that is known.
    pub(crate) fn read_chat(&self, broadcaster: ChannelId, served: Served) {
        if let Some(bot) = self.reader.account() {
            self.feed.read_chat(ChatChannel { broadcaster, bot: bot.chatter() }, served);
        }
    }

    /// Has the chats of all sessions read, whichever instance serves them.
    pub(crate) async fn read_all_chats(&self) -> Result<(), StoreError> {
        let attached: Vec<OverlayId> =
            self.store.attached().await?.into_iter().map(|(overlay, _)| overlay).collect();
        for overlays in attached.chunks(COMPARED_AT_ONCE) {
            for seed in self.seeds(overlays).await? {
                self.read_chat(seed.broadcaster, Served::Somewhere);
            }
        }
        Ok(())
    }
}
