//! What the tests of the feed stand on: fakes of the stores, mocks of Twitch and of the ports.

use std::sync::Arc;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ChatterId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::{ChatChannel, ChatFeed as _, Served};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatSubscription;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::fakes::{FakeAccounts, FakeSignals, FixedLeader};
use serde_json::json;

use super::TwitchFeed;
use super::notes::Note;
use crate::error::TwitchError;
use crate::helix::conduits::{Conduit, MockConduitApi, Shard};
use crate::helix::subscriptions::{ListedSubscription, MockSubscriptionApi};

mockall::mock! {
    /// Which conduit is ours; nothing is subscribed.
    pub(crate) Records {
        pub(crate) fn find_conduit(&self) -> Result<Option<ConduitId>, StoreError>;
        pub(crate) fn swap_conduit(&self, old: Option<ConduitId>, new: ConduitId) -> Result<bool, StoreError>;
    }
}

// By hand: the mock cannot take the reference inside the option.
#[async_trait]
impl SubscriptionRepository for MockRecords {
    async fn conduit(&self) -> Result<Option<ConduitId>, StoreError> {
        self.find_conduit()
    }

    async fn replace_conduit(&self, old: Option<&ConduitId>, new: &ConduitId) -> Result<bool, StoreError> {
        self.swap_conduit(old.cloned(), new.clone())
    }

    async fn all(&self) -> Result<Vec<ChatSubscription>, StoreError> {
        Ok(Vec::new())
    }

    async fn find(&self, _: &ChannelId) -> Result<Option<ChatSubscription>, StoreError> {
        Ok(None)
    }

    async fn put(&self, _: &ChatSubscription) -> Result<(), StoreError> {
        Ok(())
    }

    async fn delete(&self, _: &ChannelId, _: &SubscriptionId) -> Result<(), StoreError> {
        Ok(())
    }
}

mockall::mock! {
    pub(crate) Leases {}

    #[async_trait]
    impl ShardLeases for Leases {
        async fn acquire(&self) -> Result<ShardSlot, StoreError>;
        async fn release(&self) -> Result<(), StoreError>;
    }
}

/// An instance that leads, with an empty database and nobody else to hear its signals.
pub(crate) struct Instance {
    pub(crate) feed: TwitchFeed,
    pub(crate) signals: FakeSignals,
    pub(crate) accounts: FakeAccounts,
    pub(crate) leader: FixedLeader,
}

impl Instance {
    pub(crate) fn new() -> Self {
        Self::beside(&FakeSignals::new(), &FakeAccounts::new(), true)
    }

    /// An instance of a fleet, which shares signals and database.
    pub(crate) fn beside(signals: &FakeSignals, accounts: &FakeAccounts, leads: bool) -> Self {
        let records = Arc::clone(&accounts.subscriptions) as Arc<dyn SubscriptionRepository>;
        let feed = TwitchFeed::new(Arc::new(signals.clone()), records);
        let (signals, accounts) = (signals.clone(), accounts.clone());
        Self { feed, signals, accounts, leader: FixedLeader::new(leads) }
    }

    pub(crate) fn records(&self) -> Arc<dyn SubscriptionRepository> {
        Arc::clone(&self.accounts.subscriptions) as _
    }

    pub(crate) fn leadership(&self) -> Arc<dyn Leadership> {
        Arc::new(self.leader.clone())
    }

    /// An overlay opened here.
    pub(crate) fn read(&self, broadcaster: &str) {
        self.feed.read_chat(chat(broadcaster), Served::Here);
    }

    /// What was said to the other instances by notes.
    pub(crate) fn notes(&self) -> Vec<Signal> {
        let all = self.signals.published().into_iter();
        all.filter(|signal| matches!(signal, Signal::PlatformNote(_))).collect()
    }
}

pub(crate) fn channel(broadcaster: &str) -> ChannelId {
    build::user(broadcaster).channel()
}

pub(crate) fn bot() -> ChatterId {
    build::user("7").chatter()
}

/// A broadcaster's chat, read by the bot.
pub(crate) fn chat(broadcaster: &str) -> ChatChannel {
    ChatChannel { broadcaster: channel(broadcaster), bot: bot() }
}

pub(crate) fn id(text: &str) -> SubscriptionId {
    SubscriptionId::new(text).unwrap()
}

pub(crate) fn ours() -> ConduitId {
    build::conduit("ours")
}

pub(crate) fn conduit(id: &str, shard_count: u32) -> Conduit {
    Conduit { id: build::conduit(id), shard_count }
}

pub(crate) fn shard(index: u32, status: &str) -> Shard {
    Shard { index: Some(index), status: status.to_owned() }
}

/// A chat subscription as Twitch lists it.
pub(crate) fn listed(id: &str, broadcaster: &str, conduit: &str) -> ListedSubscription {
    let listed = json!({
        "id": id, "status": "enabled", "type": "channel.chat.message",
        "condition": { "broadcaster_user_id": broadcaster, "user_id": "7" },
        "transport": { "method": "conduit", "conduit_id": conduit },
    });
    serde_json::from_value(listed).unwrap()
}

pub(crate) fn recorded(id_text: &str, broadcaster: &str) -> ChatSubscription {
    ChatSubscription { id: id(id_text), broadcaster: channel(broadcaster), bot: bot(), conduit: ours() }
}

/// Twitch has nothing on the conduit yet, and takes whatever else is subscribed to.
pub(crate) fn empty_twitch() -> MockSubscriptionApi {
    let mut api = MockSubscriptionApi::new();
    api.expect_subscriptions_on().returning(|_| Ok(Vec::new()));
    api.expect_subscribe_to_withdrawals().returning(|_| Ok(()));
    api.expect_subscribe_to_disabled_shards().returning(|_| Ok(()));
    api
}

/// Our conduit is there, with one shard, and every assignment is enabled at once.
pub(crate) fn one_shard() -> MockConduitApi {
    let mut api = MockConduitApi::new();
    api.expect_conduits().returning(|| Ok(vec![conduit("ours", 1)]));
    api.expect_assign_shard().returning(|_, _, _| Ok("enabled".to_owned()));
    api.expect_shards().returning(|_| Ok(vec![shard(0, "enabled")]));
    api
}

pub(crate) fn forbidden() -> TwitchError {
    TwitchError::Forbidden("subscription missing proper authorization".to_owned())
}

pub(crate) fn unreachable() -> TwitchError {
    TwitchError::Unreachable("it answered 503".into())
}

pub(crate) fn refused_note(broadcaster: &str) -> Signal {
    Note::Refused(chat(broadcaster)).into_signal()
}
