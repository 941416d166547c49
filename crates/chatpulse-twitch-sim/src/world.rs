//! The complete state of the simulated Twitch, as plain data without I/O.
//!
//! [`crate::shared::Shared`] keeps it behind one lock that is never held across an await.

use std::collections::BTreeMap;

use crate::accounts::Accounts;
use crate::config::SimConfig;
use crate::eventsub::conduit::Conduit;
use crate::eventsub::delivery::Parcel;
use crate::eventsub::session::Session;
use crate::eventsub::subscription::{Status, Subscription, Transport};
use crate::faults::Faults;
use crate::front_door::Quota;
use crate::ids::Ids;
use crate::tokens::Tokens;

/// The state of the platform.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ids: Ids,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
    pub(crate) quota: Quota,
    pub(crate) conduits: Vec<Conduit>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) faults: Faults,
    /// The messages of the latest event, kept for [`crate::Sim::resend_last`].
    pub(crate) last_sent: Vec<Parcel>,
}

impl World {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            ids: Ids::new(config.seed),
            accounts: Accounts::new(config.users.clone()),
            tokens: Tokens::default(),
            quota: Quota::new(config.limits.points_per_minute),
            conduits: Vec::new(),
            subscriptions: Vec::new(),
            sessions: BTreeMap::new(),
            faults: Faults::default(),
            last_sent: Vec::new(),
        }
    }

    pub(crate) fn conduit(&self, id: &str) -> Option<&Conduit> {
        self.conduits.iter().find(|conduit| conduit.id == id)
    }

    pub(crate) fn conduits_of(&self, client_id: &str) -> impl Iterator<Item = &Conduit> {
        self.conduits.iter().filter(move |conduit| conduit.client_id == client_id)
    }

    /// Returns the application's conduit with this id. Conduits of other applications are not found.
    pub(crate) fn own_conduit(&self, id: &str, client_id: &str) -> Option<&Conduit> {
        self.conduit(id).filter(|conduit| conduit.client_id == client_id)
    }

    pub(crate) fn conduit_mut(&mut self, id: &str) -> Option<&mut Conduit> {
        self.conduits.iter_mut().find(|conduit| conduit.id == id)
    }

    pub(crate) fn subscription_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|subscription| subscription.id == id)
    }

    /// Returns the webhook or WebSocket that an event of `channel` is sent to for this subscription. Returns nothing if
    /// the shards that could deliver it are disabled; Twitch then drops the event.
    pub(crate) fn exit_of<'a>(
        &'a self,
        subscription: &'a Subscription,
        channel: &str,
    ) -> Option<&'a Transport> {
        match &subscription.transport {
            Transport::Conduit { conduit_id } => self.conduit(conduit_id)?.route(channel)?.transport.as_ref(),
            direct => Some(direct),
        }
    }

    /// Returns whether anything is delivered through this session; an unused session is closed.
    pub(crate) fn session_is_used(&self, session_id: &str) -> bool {
        let shards = self.conduits.iter().flat_map(|conduit| conduit.shards.iter().chain(&conduit.dropped));
        let by_shard = shards.filter(|shard| shard.status == Status::Enabled);
        let by_subscription =
            self.subscriptions.iter().filter(|subscription| subscription.status == Status::Enabled);
        by_shard
            .filter_map(|shard| shard.transport.as_ref())
            .chain(by_subscription.map(|subscription| &subscription.transport))
            .any(|transport| transport.session_id() == Some(session_id))
    }

    /// Returns whether a chat message in `channel` would be delivered now.
    pub(crate) fn chat_is_read(&self, channel: &str) -> bool {
        self.subscriptions
            .iter()
            .filter(|subscription| subscription.kind == "channel.chat.message")
            .filter(|subscription| subscription.status == Status::Enabled)
            .filter(|subscription| subscription.about("broadcaster_user_id") == Some(channel))
            .any(|subscription| self.exit_of(subscription, channel).is_some())
    }
}
