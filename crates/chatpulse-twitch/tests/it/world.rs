//! A simulated Twitch, and instances of a fleet that read chat there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, TwitchUserId};
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::chat_feed::{ChatChannel, ChatFeed as _, Served};
use chatpulse_domain::ports::chat_sink::ChatDelivery;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::subscription::ChatState;
use chatpulse_domain::time::Timestamp;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::fakes::{FakeAccounts, FakeSignals, FakeSink, FixedLeader};
use chatpulse_twitch::app_token::SharedToken;
use chatpulse_twitch::config::{Transport, TwitchConfig, TwitchUrls};
use chatpulse_twitch::eventsub::router::EventRouter;
use chatpulse_twitch::eventsub::socket::EventSubSocket;
use chatpulse_twitch::feed::TwitchFeed;
use chatpulse_twitch::feed::worker::{FeedPorts, FeedWorker};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::proxy::Proxies;
use chatpulse_twitch::tokens::{RingCipher, TokenKey};
use chatpulse_twitch::twitch_clock::TwitchClock;
use chatpulse_twitch_sim::{ChatLine, Chatter, Sim, SimConfig};
use rustls::{ClientConfig, RootCertStore};
use time::OffsetDateTime;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub(crate) const STREAMER: &str = "1971641";
pub(crate) const BOT: &str = "2914196";
/// How long anything may take before a test fails.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// A simulated Twitch, and what the instances of one fleet share.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) signals: FakeSignals,
    pub(crate) accounts: FakeAccounts,
    slots: Slots,
}

/// A running instance; it stops when dropped.
pub(crate) struct Instance {
    pub(crate) feed: TwitchFeed,
    pub(crate) sink: FakeSink,
    pub(crate) grants: FakeGrants,
    pub(crate) router: EventRouter,
    pub(crate) leader: FixedLeader,
    _stops: DropGuard,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::at(SimConfig::default()).await
    }

    pub(crate) async fn at(config: SimConfig) -> Self {
        // A second test in this process finds a provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = Sim::start(config).await.unwrap();
        let world =
            Self { sim, signals: FakeSignals::new(), accounts: FakeAccounts::new(), slots: Slots::default() };
        world.sim.grant(BOT, &["user:read:chat", "user:bot"]);
        world.sim.grant(STREAMER, &["channel:bot"]);
        world
    }

    /// The same Twitch, seen from another deployment with the same client id.
    pub(crate) fn with_another_database(self) -> Self {
        Self {
            sim: self.sim,
            signals: FakeSignals::new(),
            accounts: FakeAccounts::new(),
            slots: Slots::default(),
        }
    }

    pub(crate) fn config(&self, transport: Transport) -> TwitchConfig {
        let defaults = SimConfig::default();
        let tls = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
        TwitchConfig {
            client_id: defaults.client_id,
            client_secret: Secret::new(defaults.client_secret),
            redirect_uri: "http://127.0.0.1:1/auth/callback".to_owned(),
            urls: TwitchUrls {
                auth: Url::parse(&self.sim.auth_url()).unwrap(),
                api: Url::parse(&self.sim.api_url()).unwrap(),
                eventsub: Url::parse(&self.sim.eventsub_ws_url()).unwrap(),
            },
            tls: Arc::new(tls.with_no_client_auth()),
            proxies: Proxies::default(),
            transport,
        }
    }

    /// An instance with a socket of its own.
    pub(crate) async fn instance(&self, leads: bool) -> Instance {
        let instance = self.instance_by(leads, &Transport::WebSocket);
        eventually("the instance is connected", async || instance.feed.is_connected()).await;
        instance
    }

    /// An instance that is not connected yet.
    pub(crate) fn instance_by(&self, leads: bool, transport: &Transport) -> Instance {
        let (config, clock) = (self.config(transport.clone()), clock());
        let shared = SharedToken {
            repository: Arc::clone(&self.accounts.app_token) as Arc<dyn AppTokenRepository>,
            cipher: Arc::new(RingCipher::new(&TokenKey::new([7; 32]), &[])),
        };
        let clock = TwitchClock::new(Arc::new(clock));
        let helix = Helix::new(config.clone(), clock.clone(), Some(shared)).unwrap();
        let leader = FixedLeader::new(leads);
        let ports = FeedPorts {
            records: Arc::clone(&self.accounts.subscriptions) as _,
            signals: Arc::new(self.signals.clone()),
            leadership: Arc::new(leader.clone()),
            shards: Arc::new(self.slots.for_one_more()),
        };
        let (worker, feed) = FeedWorker::new(Arc::new(helix), ports, &config);
        let (sink, grants) = (FakeSink::new(), FakeGrants::default());
        let router = EventRouter::new(clock, feed.clone(), Arc::new(grants.clone()));
        let stop = CancellationToken::new();
        if matches!(transport, Transport::WebSocket) {
            let sink = Arc::new(sink.clone());
            let socket = EventSubSocket::new(config, feed.clone(), router.clone(), sink);
            tokio::spawn(socket.run(stop.clone()));
        }
        tokio::spawn(worker.run(stop.clone()));
        Instance { feed, sink, grants, router, leader, _stops: stop.drop_guard() }
    }

    /// Somebody types this into the streamer's chat. How many deliveries that made.
    pub(crate) async fn say(&self, text: &str) -> usize {
        self.sim.say(ChatLine::new(STREAMER, Chatter::named("Ada"), text)).await.deliveries
    }
}

impl Instance {
    /// An overlay of the streamer opened here.
    pub(crate) fn read_chat(&self) {
        let channel = ChatChannel { broadcaster: streamer(), bot: TwitchUserId::new(BOT).unwrap().chatter() };
        self.feed.read_chat(channel, Served::Here);
    }

    pub(crate) async fn becomes(&self, state: ChatState) {
        eventually(&format!("the chat is {state:?}"), async || self.feed.state(&streamer()).await == state)
            .await;
    }

    /// The texts of so many lines that arrived.
    pub(crate) async fn hears(&self, count: usize) -> Vec<String> {
        let received = timeout(SOON, self.sink.wait_for(count)).await.expect("not all lines arrived");
        let text = |delivery| match delivery {
            ChatDelivery::Message(message) => message.text,
            other => format!("{other:?}"),
        };
        received.into_iter().map(text).collect()
    }
}

pub(crate) fn streamer() -> ChannelId {
    build::user(STREAMER).channel()
}

/// Stands still at the real time: what Twitch sends must be fresh.
pub(crate) fn clock() -> TestClock {
    let now_ms = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    TestClock::at(i64::try_from(now_ms).unwrap())
}

/// Asks again and again: what is awaited here changes inside the crate, which tells nobody.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, asking).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// Users who took their consent back. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct FakeGrants(Arc<Mutex<Vec<TwitchUserId>>>);

impl FakeGrants {
    pub(crate) fn withdrawn(&self) -> Vec<TwitchUserId> {
        self.0.lock().unwrap().clone()
    }
}

impl GrantSink for FakeGrants {
    fn withdrawn(&self, user: &TwitchUserId, _: Timestamp) {
        self.0.lock().unwrap().push(user.clone());
    }
}

/// A slot for each instance, in the order of their first call. Clones are one.
#[derive(Clone, Default)]
struct Slots(Arc<Mutex<u32>>);

struct Slot {
    index: Mutex<Option<u32>>,
    slots: Slots,
}

impl Slots {
    fn for_one_more(&self) -> Slot {
        Slot { index: Mutex::new(None), slots: self.clone() }
    }
}

#[async_trait]
impl ShardLeases for Slot {
    async fn acquire(&self) -> Result<ShardSlot, StoreError> {
        let (mut count, mut index) = (self.slots.0.lock().unwrap(), self.index.lock().unwrap());
        let index = *index.get_or_insert_with(|| {
            *count += 1;
            *count - 1
        });
        Ok(ShardSlot { index, count: *count })
    }

    async fn release(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
