//! Chat messages: input, conversion to Twitch's JSON, and delivery by [`Shared::say`].
//!
//! [`line::ChatLine`] is the input of a chatter; [`event`] converts it to Twitch's JSON.

pub(crate) mod event;
pub(crate) mod fragments;
pub(crate) mod line;

use std::sync::Arc;

use crate::chat::event::{Source, chat_event};
use crate::chat::line::{ChatLine, Delivered};
use crate::shared::Shared;

const KIND: &str = "channel.chat.message";

impl Shared {
    /// Delivers a message in the channel where it was typed, then in those it is shared with.
    pub(crate) async fn say(self: &Arc<Self>, line: &ChatLine) -> Delivered {
        let (channel, message_id, mirrors) = self.change(|world| {
            let mut place = |id: &String| (world.accounts.profile(id), world.ids.uuid());
            let (channel, message_id) = place(&line.channel);
            (channel, message_id, line.shared_with.iter().map(place).collect::<Vec<_>>())
        });
        let original = chat_event(line, &channel, &message_id, None);
        let mut deliveries = self.publish(KIND, &original, line.repeats).await;
        let source = Source { channel: &channel, message_id: &message_id };
        for (mirror, mirror_id) in &mirrors {
            let copy = chat_event(line, mirror, mirror_id, Some(&source));
            deliveries += self.publish(KIND, &copy, line.repeats).await;
        }
        let shared_ids = mirrors.into_iter().map(|(_, id)| id).collect();
        Delivered { message_id, shared_ids, deliveries }
    }
}
