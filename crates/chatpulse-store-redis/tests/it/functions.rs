//! Loading the function library: missing, lost, older, newer, and two versions side by side.

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::VoteOutcome;
use chatpulse_store_redis::Library;
use chatpulse_store_redis::{FencingTokens, FunctionsCheck, Redis, RedisLive};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};

use crate::support::config;

/// The library of a later version of the program: one more function, and a higher version.
fn newer() -> Library {
    let code = Library::embedded().code().replace(
        &format!("local VERSION = {}\n", Library::embedded().version()),
        &format!("local VERSION = {}\n", Library::embedded().version() + 1),
    );
    Library::from_source(
        &format!("{code}\nwriting('chatpulse_later', function() return 1 end)\n"),
        "chatpulse",
    )
}

async fn connect(url: &str, library: Library) -> RedisLive {
    let redis = Redis::connect_with(&config(url), library).await.unwrap();
    RedisLive::new(redis, None, FencingTokens::default())
}

fn version(server: &RedisServer) -> String {
    server.ask(&["FCALL_RO", "chatpulse_version", "0"])
}

fn expected(library: &Library) -> String {
    format!(":{}\r\n", library.version())
}

async fn votes(live: &RedisLive) -> VoteOutcome {
    let seed =
        chatpulse_domain::session::SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap()
}

#[tokio::test]
async fn two_versions_of_the_program_work_side_by_side() {
    let server = RedisServer::start();
    let old = connect(server.url(), Library::embedded()).await;
    let new = connect(server.url(), newer()).await;
    assert_eq!(version(&server), expected(&newer()), "the newer one replaces the older");
    for live in [&old, &new, &old] {
        assert!(matches!(votes(live).await, VoteOutcome::Applied(_)));
    }
    // Another old instance starts while the new one runs.
    let late = connect(server.url(), Library::embedded()).await;
    assert!(matches!(votes(&late).await, VoteOutcome::Applied(_)));
    assert_eq!(version(&server), expected(&newer()), "an older one does not replace it");
}

#[tokio::test]
async fn an_older_version_that_was_loaded_after_a_loss_is_replaced() {
    let server = RedisServer::start();
    let new = connect(server.url(), newer()).await;
    let old = connect(server.url(), Library::embedded()).await;
    server.ask(&["FUNCTION", "FLUSH", "SYNC"]);
    assert!(matches!(votes(&old).await, VoteOutcome::Applied(_)));
    assert_eq!(version(&server), expected(&Library::embedded()), "the older version is loaded");
    let redis = Redis::connect_with(&config(server.url()), newer()).await.unwrap();
    FunctionsCheck(redis).check().await.unwrap();
    assert_eq!(version(&server), expected(&newer()));
    assert!(matches!(votes(&new).await, VoteOutcome::Applied(_)));
}

#[tokio::test]
async fn lost_functions_are_loaded_and_the_vote_counts() {
    let server = RedisServer::start();
    let live = connect(server.url(), Library::embedded()).await;
    for _ in 0..2 {
        server.ask(&["FUNCTION", "FLUSH", "SYNC"]);
        assert!(matches!(votes(&live).await, VoteOutcome::Applied(_)));
        server.ask(&["FUNCTION", "FLUSH", "SYNC"]);
        let overlays = [build::seed().overlay];
        assert_eq!(live.read(&overlays).await.unwrap(), [None], "a pipeline loads them too");
    }
}

#[tokio::test]
async fn every_node_of_a_cluster_gets_the_functions() {
    let cluster = RedisCluster::start();
    let live = connect(&cluster.url(), Library::embedded()).await;
    for node in 0..3 {
        let version = cluster.ask(node, &["FCALL_RO", "chatpulse_version", "0"]);
        assert_eq!(version, expected(&Library::embedded()));
        cluster.ask(node, &["FUNCTION", "FLUSH", "SYNC"]);
    }
    for _ in 0..12 {
        assert!(matches!(votes(&live).await, VoteOutcome::Applied(_)), "on whichever node");
    }
}

#[tokio::test]
async fn concurrent_starts_end_with_the_newest_version() {
    let server = RedisServer::start();
    let starts = (0..8).map(|number| {
        let library = if number % 2 == 0 { newer() } else { Library::embedded() };
        let url = server.url().to_owned();
        tokio::spawn(async move { connect(&url, library).await })
    });
    let starts: Vec<_> = starts.collect();
    for start in starts {
        start.await.unwrap();
    }
    assert_eq!(version(&server), expected(&newer()));
}
