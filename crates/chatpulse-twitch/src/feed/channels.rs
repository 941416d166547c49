//! All chats that this instance knows, each a [`Channel`].

use std::collections::HashMap;

use chatpulse_domain::ids::{ChannelId, ChatterId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::{ChatChannel, Served};
use tokio::time::Instant;

use super::channel::{Action, Change, Channel, Event, Revocation};
use super::notes::Note;

#[derive(Debug, Default)]
pub(super) struct Channels {
    known: HashMap<ChannelId, Channel>,
}

impl Channels {
    pub(super) fn read(&mut self, chat: ChatChannel, served: Served, now: Instant) {
        let begin = || match served {
            Served::Here => Channel::unwanted(None, now),
            Served::Somewhere => Channel::as_recorded(now),
        };
        let channel = self.known.entry(chat.broadcaster).or_insert_with(begin);
        channel.apply(Event::Read { bot: chat.bot, served }, now);
    }

    /// Also a chat that another instance subscribed.
    pub(super) fn stop(&mut self, broadcaster: &ChannelId, now: Instant) {
        let begin = || Channel::as_recorded(now);
        self.known.entry(broadcaster.clone()).or_insert_with(begin).apply(Event::Stop, now);
    }

    /// Also of a chat that nobody asked to read: the streamer's dashboard says it all the same.
    pub(super) fn revoke(&mut self, chat: &ChatChannel, id: SubscriptionId, why: Revocation, now: Instant) {
        self.known_or_unwanted(chat, now).apply(Event::Revoked { id, why }, now);
    }

    /// The same for a refusal that another instance announced.
    pub(super) fn refused_elsewhere(&mut self, chat: &ChatChannel, now: Instant) {
        self.known_or_unwanted(chat, now).apply(Event::RefusedElsewhere, now);
    }

    fn known_or_unwanted(&mut self, chat: &ChatChannel, now: Instant) -> &mut Channel {
        let unwanted = || Channel::unwanted(Some(chat.bot.clone()), now);
        self.known.entry(chat.broadcaster.clone()).or_insert_with(unwanted)
    }

    /// This account gave consent: as streamer, or as the bot that reads.
    pub(super) fn consent(&mut self, account: &ChatterId, now: Instant) {
        for (broadcaster, channel) in &mut self.known {
            if account.owns(broadcaster) || channel.bot() == Some(account) {
                channel.apply(Event::Consent, now);
            }
        }
    }

    /// Who gave consent meanwhile was not heard.
    pub(super) fn consent_of_all(&mut self, now: Instant) {
        for channel in self.known.values_mut() {
            channel.apply(Event::Consent, now);
        }
    }

    /// Takes note of what happened to a chat, if it is known. Answers what the other instances have to know of it.
    pub(super) fn apply(&mut self, broadcaster: &ChannelId, event: Event, now: Instant) -> Option<Note> {
        let channel = self.known.get_mut(broadcaster)?;
        Some(match channel.apply(event, now)? {
            Change::Refused => {
                Note::Refused(ChatChannel { broadcaster: broadcaster.clone(), bot: channel.bot()?.clone() })
            }
            Change::Allowed => Note::Allowed(broadcaster.clone()),
        })
    }

    /// Compares every chat with Twitch's list.
    pub(super) fn apply_list(
        &mut self,
        live: impl Fn(&ChannelId) -> Option<(SubscriptionId, ChatterId)>,
        now: Instant,
    ) {
        for (broadcaster, channel) in &mut self.known {
            channel.apply(Event::Listed(live(broadcaster)), now);
        }
    }

    pub(super) fn forget(&mut self, broadcaster: &ChannelId) {
        self.known.remove(broadcaster);
    }

    pub(super) fn get(&self, broadcaster: &ChannelId) -> Option<&Channel> {
        self.known.get(broadcaster)
    }

    pub(super) fn action(&self, broadcaster: &ChannelId, is_leader: bool, now: Instant) -> Option<Action> {
        self.known.get(broadcaster)?.action(is_leader, now)
    }

    /// The chats with something to do.
    pub(super) fn due(&self, now: Instant) -> Vec<ChannelId> {
        let due = self.known.iter().filter(|(_, channel)| channel.due_at().is_some_and(|at| at <= now));
        due.map(|(broadcaster, _)| broadcaster.clone()).collect()
    }

    /// When the next one has.
    pub(super) fn next_due_at(&self) -> Option<Instant> {
        self.known.values().filter_map(Channel::due_at).min()
    }

    /// The chats that Twitch refuses, each with the account that was to read it.
    pub(super) fn refused(&self) -> Vec<ChatChannel> {
        let refused = self.known.iter().filter(|(_, channel)| channel.is_refused());
        let chat = |(broadcaster, channel): (&ChannelId, &Channel)| {
            Some(ChatChannel { broadcaster: broadcaster.clone(), bot: channel.bot()?.clone() })
        };
        refused.filter_map(chat).collect()
    }

    pub(super) fn is_wanted(&self, broadcaster: &ChannelId) -> bool {
        self.known.get(broadcaster).is_some_and(Channel::is_wanted)
    }
}
