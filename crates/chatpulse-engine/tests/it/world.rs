//! An engine, everything round it faked, one streamer logged in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chatpulse_domain::access::Access;
use chatpulse_domain::login::LoginRole;
use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::streamer::Streamer;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_engine::housekeeping::{GrantCheck, Housekeeping};
use chatpulse_engine::sessions::{DriftReport, OpenOverlay, Watcher};
use chatpulse_engine::{Engine, Policy, Ports};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::fakes::{
    FakeAccounts, FakeCipher, FakeFeed, FakeLive, FakeLogin, FakeSignals, FixedLeader,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) streamer: Streamer,
    pub(crate) clock: TestClock,
    pub(crate) live: FakeLive,
    pub(crate) accounts: FakeAccounts,
    pub(crate) signals: FakeSignals,
    pub(crate) feed: FakeFeed,
    pub(crate) login: FakeLogin,
    pub(crate) leader: FixedLeader,
    housekeeping: Option<Housekeeping>,
    ports: Ports,
    policy: Policy,
}

/// A world with a generous bucket and the streamer reading the own chat.
pub(crate) async fn world() -> World {
    world_with(BucketLimit::new(100, 100), None).await
}

pub(crate) async fn world_with(limit: Option<BucketLimit>, bot: Option<&str>) -> World {
    let clock = TestClock::new();
    let live = FakeLive::new(clock.clone(), limit);
    let (accounts, signals, feed) = (FakeAccounts::new(), FakeSignals::new(), FakeFeed::new());
    let leader = FixedLeader::new(true);
    let login = FakeLogin::new();
    let ports = Ports {
        clock: Arc::new(clock.clone()),
        votes: Arc::new(live.clone()),
        sessions: Arc::new(live.clone()),
        signals: Arc::new(signals.clone()),
        streamers: Arc::clone(&accounts.streamers) as _,
        tokens: Arc::clone(&accounts.tokens) as _,
        settings: Arc::clone(&accounts.settings) as _,
        login_sessions: Arc::clone(&accounts.login_sessions) as _,
        login_claims: Arc::clone(&accounts.login_claims) as _,
        login: Arc::new(login.clone()),
        feed: Arc::new(feed.clone()),
        cipher: Arc::new(FakeCipher::default()),
        leadership: Arc::new(leader.clone()),
    };
    let policy = Policy {
        instance: build::instance("test-1"),
        bot: bot.map(build::user),
        access: Access::Everybody,
        cleanup_interval: Duration::from_secs(30),
        orphan_max_age: Duration::from_secs(30),
        subscription_grace: Duration::from_mins(10),
        reconcile_interval: Duration::from_mins(5),
        overlays_max: 100,
    };
    let (engine, housekeeping) = Engine::new(&ports, &policy);
    let streamer = engine.accounts.sign_in(&build::grant("ada"), LoginRole::StreamerAndReader).await.unwrap();
    World {
        engine,
        streamer,
        clock,
        live,
        accounts,
        signals,
        feed,
        login,
        leader,
        housekeeping: Some(housekeeping),
        ports,
        policy,
    }
}

impl World {
    pub(crate) async fn seed(&self) -> SessionSeed {
        self.engine.sessions.find(self.streamer.overlay).await.unwrap().unwrap()
    }

    pub(crate) async fn open(&self, watcher: Watcher) -> OpenOverlay {
        self.engine.sessions.open(self.seed().await, watcher).await.unwrap()
    }

    /// A line typed in the streamer's chat.
    pub(crate) fn message(&self, text: &str) -> ChatMessage {
        ChatMessage { broadcaster: self.streamer.channel(), ..build::message(text) }
    }

    pub(crate) async fn viewers(&self) -> Option<u32> {
        self.live.activity(self.streamer.overlay).await.unwrap().map(|activity| activity.viewers)
    }

    pub(crate) fn on_drift(&mut self, listener: impl Fn(&DriftReport) + Send + Sync + 'static) {
        let housekeeping = self.housekeeping.take().unwrap();
        let reconciliation = housekeeping.reconciliation.on_round(listener);
        self.housekeeping = Some(Housekeeping { reconciliation, ..housekeeping });
    }

    /// The results of asking Twitch about users' tokens, from now on.
    pub(crate) fn grant_checks(&mut self) -> Arc<Mutex<Vec<GrantCheck>>> {
        let found = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&found);
        let housekeeping = self.housekeeping.take().unwrap();
        let grants = housekeeping.grants.on_check(move |check| noted.lock().unwrap().push(check));
        self.housekeeping = Some(Housekeeping { grants, ..housekeeping });
        found
    }

    /// Another engine, whose votes go to this store.
    pub(crate) fn restart_with(&mut self, votes: Arc<dyn VoteStore>) {
        self.ports.votes = votes;
        self.restart();
    }

    /// Another engine on the same stores.
    pub(crate) fn restart(&mut self) {
        let (engine, housekeeping) = Engine::new(&self.ports, &self.policy);
        (self.engine, self.housekeeping) = (engine, Some(housekeeping));
    }

    /// Runs housekeeping for so long of paused time, then stops it.
    pub(crate) async fn keep_house(&mut self, span: Duration) {
        let stop = CancellationToken::new();
        let running = start(self.housekeeping.take().unwrap(), &stop);
        let mut passed = Duration::ZERO;
        let second = Duration::from_secs(1);
        while passed < span {
            self.clock.advance(second);
            tokio::time::sleep(second).await;
            passed += second;
        }
        stop.cancel();
        running.join_all().await;
    }
}

/// Each job in a task of its own, as the server runs them.
fn start(housekeeping: Housekeeping, stop: &CancellationToken) -> JoinSet<()> {
    let Housekeeping {
        signals,
        updates,
        closings,
        cleanup,
        reconciliation,
        logins,
        grants,
        withdrawals,
        mod_commands,
    } = housekeeping;
    let mut running = JoinSet::new();
    running.spawn(signals.run(stop.clone()));
    running.spawn(updates.run(stop.clone()));
    running.spawn(closings.run(stop.clone()));
    running.spawn(cleanup.run(stop.clone()));
    running.spawn(reconciliation.run(stop.clone()));
    running.spawn(logins.run(stop.clone()));
    running.spawn(grants.run(stop.clone()));
    running.spawn(withdrawals.run(stop.clone()));
    running.spawn(mod_commands.run(stop.clone()));
    running
}
