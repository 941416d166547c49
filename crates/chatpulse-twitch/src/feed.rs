//! The chats that this instance wants, and what Twitch makes of them.
//!
//! [`TwitchFeed`] is the handle: each call changes what is wanted and answers at once. [`worker::FeedWorker`] is the
//! task behind it: it keeps the conduit and our shard alive ([`shard`], [`conduit`], [`slot`]) and makes Twitch's
//! subscriptions equal to what is wanted ([`subscribe`], [`reconcile`]). What one chat needs next is decided by
//! [`channel`], which does no I/O.
//!
//! Of several instances the leader alone creates the conduit, points its webhook shard at us, makes Twitch stop, and
//! corrects what differs from Twitch's list. Where chat comes by sockets, each instance has one, and a shard for it.
//! Instances tell each other about refusals by [`notes`].

mod announce;
mod channel;
mod channels;
mod conduit;
pub mod inspect;
pub mod inventory;
mod notes;
mod reconcile;
mod shard;
mod slot;
mod subscribe;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod worker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ChatterId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::{ChatChannel, ChatFeed, Served};
use chatpulse_domain::ports::signals::Signals;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatState;
use tokio::sync::Notify;
use tokio::time::Instant;

use announce::{Ended, LEFTOVERS_AFTER};
use channel::Event;
pub use channel::Revocation;
use channels::Channels;
use notes::Note;
use shard::{Shard, ShardTransport};

/// Handle to the feed. Clones are one.
#[derive(Clone)]
pub struct TwitchFeed {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Notify,
    signals: Arc<dyn Signals>,
    records: Arc<dyn SubscriptionRepository>,
}

#[derive(Default)]
struct State {
    channels: Channels,
    shard: Shard,
    /// Not announced to the other instances yet.
    ended: Vec<Ended>,
    /// An instance wants to know which chats are refused.
    are_refusals_wanted: bool,
    /// When to look for chats that are read though nobody asked for them; `None` while another instance leads.
    leftovers_at: Option<Instant>,
}

impl TwitchFeed {
    pub(crate) fn new(signals: Arc<dyn Signals>, records: Arc<dyn SubscriptionRepository>) -> Self {
        let (state, wake) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { state, wake, signals, records }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and has the worker look at it.
    fn change(&self, change: impl FnOnce(&mut State, Instant)) {
        change(&mut self.lock(), Instant::now());
        self.shared.wake.notify_one();
    }

    /// Twitch delivers to this instance's shard, or would if a chat were wanted.
    pub fn is_connected(&self) -> bool {
        self.lock().shard.is_enabled()
    }

    /// The socket was welcomed: its session becomes our shard.
    pub(crate) fn socket_connected(&self, session_id: &str) {
        let transport = ShardTransport::Socket { session_id: session_id.to_owned() };
        self.change(|state, now| state.shard.connected(transport, now));
    }

    pub(crate) fn socket_disconnected(&self) {
        self.lock().shard.disconnected(Instant::now());
    }

    /// Twitch disabled one of our conduit's shards, perhaps this one.
    pub(crate) fn check_shard(&self) {
        self.change(|state, _| state.shard.check_now());
    }

    /// Our shard has to be pointed at its transport again.
    fn assign_shard_again(&self) {
        self.change(|state, now| state.shard.assign_again(now));
    }

    /// Twitch ended this subscription.
    pub(crate) fn revoked(&self, channel: ChatChannel, id: SubscriptionId, why: Revocation) {
        self.change(|state, now| {
            state.channels.revoke(&channel, id.clone(), why, now);
            state.ended.push(Ended { channel, id, why });
        });
    }

    /// This instance leads, or missed that a session ended.
    fn look_for_leftovers(&self) {
        self.change(|state, now| state.leftovers_at = Some(now + LEFTOVERS_AFTER));
    }

    /// Takes note of what happened to a chat, and tells the other instances what they have to know.
    fn apply(&self, broadcaster: &ChannelId, event: Event) {
        let note = self.lock().channels.apply(broadcaster, event, Instant::now());
        if let Some(note) = note {
            self.publish(note);
        }
    }
}

#[async_trait]
impl ChatFeed for TwitchFeed {
    fn read_chat(&self, channel: ChatChannel, served: Served) {
        self.change(|state, now| state.channels.read(channel, served, now));
    }

    fn stop_reading(&self, broadcaster: &ChannelId) {
        self.change(|state, now| state.channels.stop(broadcaster, now));
    }

    fn consent_changed(&self, account: &ChatterId) {
        self.change(|state, now| state.channels.consent(account, now));
        self.publish(Note::Consent(account.clone()));
    }

    async fn state(&self, broadcaster: &ChannelId) -> ChatState {
        if let Some(known) = self.lock().state_of(broadcaster) {
            return known;
        }
        // Another instance may read it.
        match self.shared.records.find(broadcaster).await {
            Ok(Some(_)) => ChatState::Reading,
            Ok(None) => ChatState::Idle,
            Err(_) => ChatState::Connecting,
        }
    }
}

impl State {
    /// As far as this instance knows without its records.
    fn state_of(&self, broadcaster: &ChannelId) -> Option<ChatState> {
        let is_enabled = self.shard.is_enabled();
        match self.channels.get(broadcaster) {
            Some(channel) => channel.state(is_enabled),
            None if is_enabled => None,
            None => Some(ChatState::Connecting),
        }
    }
}
