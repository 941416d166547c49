use chatpulse_domain::ports::chat_feed::ChatFeed as _;
use chatpulse_domain::subscription::ChatState;
use chatpulse_testkit::fakes::{FakeAccounts, FakeSignals, FixedLeader};
use tokio_util::sync::DropGuard;

use super::*;
use crate::feed::channel::Revocation;
use crate::feed::testing::{MockLeases, channel, chat, empty_twitch, forbidden, id, one_shard, ours};
use crate::helix::conduits::MockConduitApi;
use crate::helix::subscriptions::MockSubscriptionApi;
use chatpulse_domain::ports::shard_leases::ShardSlot;

const STREAMER: &str = "42";

/// A fleet whose instances share signals and database, and have a socket each.
#[derive(Default)]
struct Fleet {
    signals: FakeSignals,
    accounts: FakeAccounts,
}

/// A running instance of it; it stops when dropped.
struct Running {
    feed: TwitchFeed,
    leader: FixedLeader,
    _stops: DropGuard,
}

impl Fleet {
    async fn start(&self, leads: bool, subscriptions: MockSubscriptionApi) -> Running {
        self.start_with(leads, one_shard(), subscriptions).await
    }

    async fn start_with(
        &self,
        leads: bool,
        conduits: MockConduitApi,
        subscriptions: MockSubscriptionApi,
    ) -> Running {
        let records = Arc::clone(&self.accounts.subscriptions);
        records.replace_conduit(None, &ours()).await.unwrap();
        let leader = FixedLeader::new(leads);
        let mut shards = MockLeases::new();
        shards.expect_acquire().returning(|| Ok(ShardSlot::SOLE));
        let ports = FeedPorts {
            records,
            signals: Arc::new(self.signals.clone()),
            leadership: Arc::new(leader.clone()),
            shards: Arc::new(shards),
        };
        let api = (Arc::new(conduits), Arc::new(subscriptions));
        let (worker, feed) = FeedWorker::with_api(api.0, api.1, ports, Transport::WebSocket);
        let stop = CancellationToken::new();
        tokio::spawn(worker.run(stop.clone()));
        feed.socket_connected("session-1");
        Running { feed, leader, _stops: stop.drop_guard() }
    }
}

impl Running {
    /// Waits for at most so long of paused time.
    async fn becomes(&self, expected: ChatState, within: Duration) {
        let becomes = async {
            while self.feed.state(&channel(STREAMER)).await != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(within, becomes).await.unwrap_or_else(|_| panic!("it is not {expected:?}"));
    }
}

const SOON: Duration = Duration::from_secs(2);

fn accepting() -> MockSubscriptionApi {
    let mut api = empty_twitch();
    api.expect_subscribe().returning(|_, _| Ok(id("sub-1")));
    api
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_read_as_soon_as_the_shard_is_assigned() {
    let running = Fleet::default().start(true, accepting()).await;
    running.feed.read_chat(chat(STREAMER), chatpulse_domain::ports::chat_feed::Served::Here);
    running.becomes(ChatState::Reading, SOON).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_starts_later_learns_what_is_refused_and_consent_there_is_heard_here() {
    let fleet = Fleet::default();
    let mut api = empty_twitch();
    api.expect_subscribe().times(1).returning(|_, _| Err(forbidden()));
    api.expect_subscribe().returning(|_, _| Ok(id("sub-1")));
    let leader = fleet.start(true, api).await;
    leader.feed.read_chat(chat(STREAMER), chatpulse_domain::ports::chat_feed::Served::Here);
    leader.becomes(ChatState::NotAuthorized, SOON).await;
    let later = fleet.start(false, empty_twitch()).await;
    later.becomes(ChatState::NotAuthorized, SOON).await;
    later.feed.consent_changed(&chatpulse_testkit::builders::user(STREAMER).chatter());
    leader.becomes(ChatState::Reading, SOON).await;
    later.becomes(ChatState::Reading, SOON).await;
}

#[tokio::test(start_paused = true)]
async fn refusals_that_nobody_repeated_are_repeated_by_the_next_leader() {
    let fleet = Fleet::default();
    let knows = fleet.start(false, empty_twitch()).await;
    knows.feed.revoked(chat(STREAMER), id("sub-1"), Revocation::NotAuthorized);
    knows.becomes(ChatState::NotAuthorized, SOON).await;
    let later = fleet.start(false, empty_twitch()).await;
    later.becomes(ChatState::Idle, SOON).await;
    knows.leader.set(true);
    later.becomes(ChatState::NotAuthorized, SOON + TURN_EVERY).await;
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_heard_at_the_instance_that_serves_the_chat() {
    let fleet = Fleet::default();
    let serves = fleet.start(false, accepting()).await;
    serves.feed.read_chat(chat(STREAMER), chatpulse_domain::ports::chat_feed::Served::Here);
    serves.becomes(ChatState::Reading, SOON).await;
    let told = fleet.start(true, accepting()).await;
    told.feed.revoked(chat(STREAMER), id("sub-1"), Revocation::NotAuthorized);
    serves.becomes(ChatState::NotAuthorized, SOON).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_announces_chats_that_nobody_asked_for() {
    let fleet = Fleet::default();
    let mut api = MockSubscriptionApi::new();
    let listed = || crate::feed::testing::listed("sub-1", STREAMER, "ours");
    api.expect_subscriptions_on().returning(move |_| Ok(vec![listed()]));
    api.expect_subscribe_to_withdrawals().returning(|_| Ok(()));
    api.expect_subscribe_to_disabled_shards().returning(|_| Ok(()));
    let running = fleet.start(false, api).await;
    let record = crate::feed::testing::recorded("sub-1", STREAMER);
    fleet.accounts.subscriptions.put(&record).await.unwrap();
    let changed = chatpulse_domain::ports::signals::Signal::SessionChanged(channel(STREAMER));
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert!(!fleet.signals.published().contains(&changed));
    running.leader.set(true);
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(fleet.signals.published().contains(&changed));
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_lost_is_assigned_again_and_chat_is_read_on() {
    let mut conduits = MockConduitApi::new();
    conduits.expect_conduits().returning(|| Ok(vec![crate::feed::testing::conduit("ours", 1)]));
    conduits.expect_assign_shard().times(2).returning(|_, _, _| Ok("enabled".to_owned()));
    let lost = || vec![crate::feed::testing::shard(0, "websocket_disconnected")];
    conduits.expect_shards().times(1).returning(move |_| Ok(lost()));
    conduits.expect_shards().returning(|_| Ok(vec![crate::feed::testing::shard(0, "enabled")]));
    let running = Fleet::default().start_with(true, conduits, accepting()).await;
    running.feed.read_chat(chat(STREAMER), chatpulse_domain::ports::chat_feed::Served::Here);
    running.becomes(ChatState::Reading, SOON).await;
    running.feed.check_shard();
    tokio::time::sleep(SOON).await;
    running.becomes(ChatState::Reading, Duration::ZERO).await;
}
