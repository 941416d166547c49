//! What was reported as failed while Redis hung does not happen when it goes on.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::secret::Secret;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::VoteOutcome;
use chatpulse_store_redis::{FencingTokens, Redis, RedisConfig, RedisLive};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract::TimeControl;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::{World, eventually};

/// With the deadlines of the product.
async fn connect(url: &str) -> RedisLive {
    let redis = Redis::connect(&RedisConfig::new(Secret::new(url))).await.unwrap();
    RedisLive::new(redis, None, FencingTokens::default())
}

async fn attached(live: &RedisLive) -> SessionSeed {
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    seed
}

async fn votes_counted(live: &RedisLive, seed: &SessionSeed) -> u32 {
    let mut votes = 0;
    eventually("Redis answers", async || match live.activity(seed.overlay).await {
        Ok(activity) => {
            votes = activity.unwrap().votes_last_minute;
            true
        }
        Err(_) => false,
    })
    .await;
    votes
}

/// Stops the server's process, or only writes. Both leave the requests of the pause to be handled after it.
#[derive(Debug, Clone, Copy)]
enum Pause {
    Process,
    Writes,
}

impl Pause {
    fn begin(self, server: &RedisServer) {
        match self {
            Self::Process => server.pause(),
            Self::Writes => {
                server.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]);
            }
        }
    }

    fn end(self, server: &RedisServer) {
        match self {
            Self::Process => server.resume(),
            Self::Writes => {
                server.ask(&["CLIENT", "UNPAUSE"]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_while_redis_hung_does_not_happen_afterwards() {
    let server = RedisServer::start();
    for pause in [Pause::Process, Pause::Writes] {
        let live = connect(server.url()).await;
        let seed = attached(&live).await;
        assert!(matches!(
            live.cast(&build::vote(seed.overlay, Side::For)).await,
            Ok(VoteOutcome::Applied(_))
        ));
        let before = live.read(&[seed.overlay]).await.unwrap()[0].unwrap();
        let message = build::vote(seed.overlay, Side::For).message;
        let other = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
        pause.begin(&server);
        let instance = build::instance("a");
        let vote = build::vote(seed.overlay, Side::For);
        let (cast, push, reset, note, attach) = tokio::join!(
            live.cast(&vote),
            live.push(seed.overlay, Side::For),
            live.reset(seed.overlay),
            live.note_seen(seed.overlay, &message),
            live.attach(&other, &instance, 1),
        );
        assert!(cast.is_err() && push.is_err() && reset.is_err() && note.is_err() && attach.is_err());
        pause.end(&server);
        assert_eq!(votes_counted(&live, &seed).await, 1, "{pause:?}: only the first vote counts");
        let after = live.read(&[seed.overlay]).await.unwrap()[0].unwrap();
        assert!((after.sentiment.value() - before.sentiment.value()).abs() < 1e-9, "{pause:?}: no reset");
        eventually("votes pass again", async || live.cast(&vote).await.is_ok()).await;
        assert_eq!(votes_counted(&live, &seed).await, 2, "{pause:?}: the failed vote was not noted as seen");
        assert!(live.note_seen(seed.overlay, &message).await.unwrap(), "{pause:?}: nor the message");
        assert!(
            live.find_by_overlay(other.overlay).await.unwrap().is_none(),
            "{pause:?}: nor was it attached"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_votes_count_as_were_reported_however_long_redis_hangs() {
    let server = RedisServer::start();
    for (pause, hangs) in [(Pause::Process, 150), (Pause::Process, 600), (Pause::Writes, 350)] {
        let live = Arc::new(connect(server.url()).await);
        let seed = attached(&live).await;
        let mut votes = JoinSet::new();
        let hang = Duration::from_millis(hangs);
        pause.begin(&server);
        // Votes before and after the end of the pause, and some whose deadline is just at it.
        for vote in 0..300 {
            let (live, vote_at) = (Arc::clone(&live), hang * 2 * vote / 300);
            votes.spawn(async move {
                sleep(vote_at).await;
                matches!(live.cast(&build::vote(seed.overlay, Side::For)).await, Ok(VoteOutcome::Applied(_)))
            });
        }
        sleep(hang).await;
        pause.end(&server);
        let reported = votes.join_all().await.into_iter().filter(|applied| *applied).count();
        assert_eq!(
            usize::try_from(votes_counted(&live, &seed).await).unwrap(),
            reported,
            "{pause:?} {hang:?}"
        );
    }
}

/// A failover to a node whose clock differs, or a clock that was set.
#[tokio::test(flavor = "multi_thread")]
async fn votes_count_when_the_clock_of_redis_was_set() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let live = world.live(None);
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    live.sessions.attach(&seed, &build::instance("a"), 1).await.unwrap();
    for jump in [Duration::from_mins(5), Duration::ZERO, Duration::from_millis(700)] {
        world.clock.advance(jump).await;
        let cast = live.votes.cast(&build::vote(seed.overlay, Side::For)).await;
        assert!(matches!(cast, Ok(VoteOutcome::Applied(_))), "{jump:?}: {cast:?}");
    }
    world.clock.advance_back(Duration::from_mins(7)).await;
    let cast = live.votes.cast(&build::vote(seed.overlay, Side::For)).await;
    assert!(matches!(cast, Ok(VoteOutcome::Applied(_))), "back: {cast:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_of_a_cluster_has_a_clock_of_its_own() {
    let cluster = RedisCluster::start();
    let world = World::on(&cluster.url()).await;
    let live = world.live(None);
    let name = world.function("set_time");
    for (node, hours) in [(0, 0), (1, 1), (2, 2)] {
        let unix_ms = world.clock.unix_ms() + hours * 3_600_000;
        cluster.ask(node, &["FCALL", &name, "0", &unix_ms.to_string()]);
    }
    // Far more sessions than it takes to have some on each node.
    for _ in 0..30 {
        let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
        live.sessions.attach(&seed, &build::instance("a"), 1).await.unwrap();
        let cast = live.votes.cast(&build::vote(seed.overlay, Side::For)).await;
        assert!(matches!(cast, Ok(VoteOutcome::Applied(_))), "{cast:?}");
    }
    world.end().await;
}
