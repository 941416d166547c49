//! A fleet: instances of the real binary on the test's own PostgreSQL and Redis, which the test may stop, pause and
//! restart.

use chatpulse_testkit::servers::postgres::{Database, PostgresServer};
use chatpulse_testkit::servers::redis::RedisServer;
use chatpulse_twitch_sim::{Sim, SimConfig, SimUser};

use super::eventually;
use super::metrics::Metrics;
use super::overlay::Overlay;
use super::recording::Recording;
use super::server::{Server, Setup};
use super::streamer::Streamer;
use super::world::{BOT, OTHER, STREAMER, setup_for, sim_config, with_webhook};

/// Default number of instances.
const INSTANCES: usize = 3;

pub(crate) struct Fleet {
    pub(crate) sim: Sim,
    pub(crate) instances: Vec<Server>,
    pub(crate) redis: RedisServer,
    // Declared before its server, so that it is dropped first.
    pub(crate) database: Database,
    pub(crate) postgres: PostgresServer,
    setup: Setup,
    by_socket: bool,
}

impl Fleet {
    /// Starts three instances with default timings and no vote limit.
    pub(crate) async fn start() -> Self {
        Self::start_with(|setup| setup).await
    }

    /// Like `start`, with a changed setup.
    pub(crate) async fn start_with(change: impl Fn(Setup) -> Setup) -> Self {
        let mut fleet = Self::without_instances(0, change).await;
        fleet.add_instances(INSTANCES).await;
        fleet
    }

    /// Starts the servers and Twitch, with this many extra accounts at Twitch; see [`Self::extra_user`].
    pub(crate) async fn without_instances(extra_users: usize, change: impl Fn(Setup) -> Setup) -> Self {
        let mut twitch = sim_config();
        let names = (0..extra_users).map(|place| (Self::extra_user(place), format!("extra{place}")));
        twitch.users.extend(names.map(|(id, name)| SimUser::new(id, name.clone(), name)));
        Self::at(twitch, change).await
    }

    /// Starts the servers and this Twitch, without instances.
    pub(crate) async fn at(twitch: SimConfig, change: impl Fn(Setup) -> Setup) -> Self {
        let (postgres, redis) = (PostgresServer::start(), RedisServer::start());
        let (sim, database) = (Sim::start(twitch).await.unwrap(), postgres.database().await);
        sim.grant(BOT, &["user:read:chat", "user:bot"]);
        let setup = setup_for(&sim)
            .set("DATABASE_URL", database.url())
            .set("REDIS_URL", redis.url())
            .set("SESSION_SECRET", "one secret for all instances")
            .set("VOTE_RATE_LIMIT_CAPACITY", "0")
            // Disable the rate limit, so that tests can send any number of requests.
            .set("AUTH_RATE_PER_MINUTE", "0")
            .set("API_RATE_PER_MINUTE", "0");
        let setup = change(setup);
        Self { sim, instances: Vec::new(), redis, database, postgres, setup, by_socket: false }
    }

    /// Returns the Twitch user id of an extra account.
    pub(crate) fn extra_user(place: usize) -> String {
        (5_000_000 + place).to_string()
    }

    /// Starts one more instance, which the caller owns.
    pub(crate) async fn start_one(&self) -> Server {
        self.start_one_with(|setup| setup).await
    }

    /// Like `start_one`, with a changed setup.
    pub(crate) async fn start_one_with(&self, change: impl Fn(Setup) -> Setup) -> Server {
        let setup = change(self.setup.clone());
        if self.by_socket {
            return Server::start(setup.set("BOT_USER_ID", BOT)).await;
        }
        Server::start_with(|port| with_webhook(setup.clone(), port)).await
    }

    /// Receives chat over the EventSub socket, for instances started from now on.
    #[must_use]
    pub(crate) fn by_socket(mut self) -> Self {
        self.by_socket = true;
        self
    }

    pub(crate) async fn add_instances(&mut self, count: usize) {
        for _ in 0..count {
            self.instances.push(self.start_one().await);
        }
    }

    pub(crate) async fn log_in(&self) -> Streamer {
        self.log_in_as(STREAMER).await
    }

    /// Logs in a second streamer.
    pub(crate) async fn log_in_other(&self) -> Streamer {
        self.log_in_as(OTHER).await
    }

    pub(crate) async fn log_in_as(&self, user: &str) -> Streamer {
        Streamer::log_in(&self.instances[0], &self.sim, user).await
    }

    pub(crate) async fn open_everywhere(&self, streamer: &Streamer) -> Vec<Overlay> {
        let mut overlays = Vec::new();
        for instance in &self.instances {
            let mut overlay = streamer.open_overlay(instance).await;
            assert_eq!(overlay.next_value().await, 0.0);
            overlays.push(overlay);
        }
        overlays
    }

    /// Opens the overlay at every instance and records it continuously.
    pub(crate) async fn record_everywhere(&self, streamer: &Streamer) -> Vec<Recording> {
        self.open_everywhere(streamer).await.into_iter().map(Recording::of).collect()
    }

    pub(crate) async fn metrics(&self) -> Vec<Metrics> {
        let mut all = Vec::new();
        for instance in &self.instances {
            all.push(Metrics::of(instance).await);
        }
        all
    }

    /// Sums one series over all instances.
    pub(crate) async fn total(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.metrics().await.iter().map(|metrics| metrics.value(name, labels)).sum()
    }

    pub(crate) async fn counted(&self, result: &str) -> f64 {
        self.total("vote_processing_total", &[("result", result)]).await
    }

    /// Returns the index of the instance that leads the clean-up.
    pub(crate) async fn leader(&self) -> usize {
        eventually("somebody leads", async || {
            let all = self.metrics().await;
            all.iter().position(|metrics| metrics.value("is_leader", &[("key", "cleanup:leader")]) > 0.0)
        })
        .await
    }
}
