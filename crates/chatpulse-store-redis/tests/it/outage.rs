//! Redis slow, down and back.

use std::time::{Duration, Instant};

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::secret::Secret;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::VoteOutcome;
use chatpulse_store_redis::{
    ConnectError, FencingTokens, Probe, Redis, RedisConfig, RedisInstances, RedisLeadership, RedisLive,
};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::eventually;

/// Connects with the deadlines of the product.
async fn connect(server: &RedisServer) -> (Redis, RedisLive) {
    let redis = Redis::connect(&RedisConfig::new(Secret::new(server.url()))).await.unwrap();
    (redis.clone(), RedisLive::new(redis, None, FencingTokens::default()))
}

async fn attached(live: &RedisLive) -> SessionSeed {
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    seed
}

async fn is_unavailable(live: &RedisLive, seed: &SessionSeed) -> bool {
    let cast = live.cast(&build::vote(seed.overlay, Side::For)).await;
    matches!(cast, Err(StoreError::Unavailable { .. }))
}

#[tokio::test]
async fn a_vote_waits_half_a_second_at_most_until_the_breaker_opens() {
    let server = RedisServer::start();
    let (_, live) = connect(&server).await;
    let seed = attached(&live).await;
    server.pause();
    // Earlier successes count for the breaker too. Twelve failures outweigh them.
    for _ in 0..12 {
        let begun_at = Instant::now();
        assert!(is_unavailable(&live, &seed).await);
        assert!(begun_at.elapsed() < Duration::from_secs(1), "{:?}", begun_at.elapsed());
    }
    let begun_at = Instant::now();
    for _ in 0..100 {
        assert!(is_unavailable(&live, &seed).await);
    }
    assert!(begun_at.elapsed() < Duration::from_secs(3), "the breaker answers: {:?}", begun_at.elapsed());
    server.resume();
    eventually("votes count again without a probe", async || !is_unavailable(&live, &seed).await).await;
}

#[tokio::test]
async fn a_vote_that_timed_out_never_counts_twice() {
    let server = RedisServer::start();
    let (_, live) = connect(&server).await;
    let seed = attached(&live).await;
    let vote = build::vote(seed.overlay, Side::For);
    server.pause();
    assert!(live.cast(&vote).await.is_err());
    server.resume();
    eventually("Redis answers", async || live.read(&[seed.overlay]).await.is_ok()).await;
    let again = live.cast(&vote).await.unwrap();
    assert!(matches!(again, VoteOutcome::Duplicate | VoteOutcome::Applied(_)));
    let activity = live.activity(seed.overlay).await.unwrap().unwrap();
    assert_eq!(activity.votes_last_minute, 1);
}

#[tokio::test]
async fn everything_works_after_redis_restarted() {
    let mut server = RedisServer::start();
    let (redis, live) = connect(&server).await;
    let seed = attached(&live).await;
    server.kill();
    assert!(is_unavailable(&live, &seed).await);
    assert!(redis.check().await.is_err());
    server.restart();
    // All data is lost, and the functions too.
    let again = async || live.attach(&seed, &build::instance("a"), 1).await.is_ok();
    eventually("an instance can attach again", again).await;
    let cast = live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
    redis.check().await.unwrap();
}

#[tokio::test]
async fn the_probe_detects_an_outage_and_its_end_without_traffic() {
    let mut server = RedisServer::start();
    let (redis, live) = connect(&server).await;
    tokio::spawn(Probe::new(redis.clone()).run(CancellationToken::new()));
    let mut reachable = redis.reachable();
    server.kill();
    let begun_at = Instant::now();
    reachable.wait_for(|is_reachable| !is_reachable).await.unwrap();
    assert!(begun_at.elapsed() < Duration::from_secs(4), "{:?}", begun_at.elapsed());
    server.restart();
    let begun_at = Instant::now();
    reachable.wait_for(|is_reachable| *is_reachable).await.unwrap();
    assert!(begun_at.elapsed() < Duration::from_secs(4), "{:?}", begun_at.elapsed());
    attached(&live).await;
}

/// What makes a server refuse writes, what ends that, and the word that it refuses with.
const REFUSALS: [(&[&str], &[&str], &str); 3] = [
    (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"], "READONLY"),
    (
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "0"],
        "NOREPLICAS",
    ),
    (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"], "OOM"),
];

/// The bars stand still, so overlays show it. Looking up sessions goes on.
#[tokio::test]
async fn a_server_that_takes_no_writes_says_why_and_no_bar_is_read() {
    let server = RedisServer::start();
    let (redis, live) = connect(&server).await;
    let seed = attached(&live).await;
    tokio::spawn(Probe::new(redis.clone()).run(CancellationToken::new()));
    let mut refusal = redis.refusal();
    for (begin, end, word) in REFUSALS {
        server.ask(begin);
        let begun_at = Instant::now();
        refusal.wait_for(|words| words.as_ref().is_some_and(|words| words.starts_with(word))).await.unwrap();
        assert!(begun_at.elapsed() < Duration::from_secs(4), "{word}: {:?}", begun_at.elapsed());
        let check = redis.check().await;
        assert!(
            matches!(&check, Err(StoreError::RefusesWrites { words, .. }) if words.starts_with(word)),
            "{check:?}"
        );
        let cast = live.cast(&build::vote(seed.overlay, Side::For)).await;
        assert!(matches!(cast, Err(StoreError::RefusesWrites { .. })), "{word}: {cast:?}");
        let read = live.read(&[seed.overlay]).await;
        assert!(matches!(read, Err(StoreError::RefusesWrites { .. })), "{word}: {read:?}");
        assert!(live.find_by_overlay(seed.overlay).await.unwrap().is_some(), "{word}");
        server.ask(end);
        refusal.wait_for(Option::is_none).await.unwrap();
        eventually("votes count again", async || {
            live.cast(&build::vote(seed.overlay, Side::For)).await.is_ok()
        })
        .await;
        assert!(live.read(&[seed.overlay]).await.unwrap()[0].is_some());
    }
}

#[tokio::test]
async fn one_node_of_a_cluster_that_takes_no_writes_is_noticed() {
    let cluster = RedisCluster::start();
    let redis = Redis::connect(&RedisConfig::new(Secret::new(cluster.url()))).await.unwrap();
    redis.check().await.unwrap();
    for node in 0..3 {
        cluster.ask(node, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
        let check = redis.check().await;
        assert!(matches!(check, Err(StoreError::RefusesWrites { .. })), "node {node}: {check:?}");
        cluster.ask(node, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
        redis.check().await.unwrap();
    }
}

/// An error of the server says nothing about a session.
#[tokio::test]
async fn an_error_of_the_server_is_not_read_as_a_missing_session() {
    let server = RedisServer::start();
    let (_, live) = connect(&server).await;
    let seed = attached(&live).await;
    server.ask(&["ACL", "SETUSER", "default", "-fcall_ro"]);
    assert!(live.read(&[seed.overlay]).await.is_err());
    server.ask(&["ACL", "SETUSER", "default", "+fcall_ro"]);
    assert!(live.read(&[seed.overlay]).await.unwrap()[0].is_some());
}

/// A restart can be so quick that no probe fails, but all data is lost.
#[tokio::test]
async fn a_quick_restart_and_an_emptied_server_are_detected_within_seconds() {
    let mut server = RedisServer::start();
    let (redis, live) = connect(&server).await;
    let id = build::instance("a");
    let leadership = RedisLeadership::new(redis.clone(), id.clone(), live.fencing());
    tokio::spawn(Probe::new(redis.clone()).run(CancellationToken::new()));
    tokio::spawn(RedisInstances::new(live.clone(), leadership, id).run(CancellationToken::new()));
    let seed = attached(&live).await;
    for emptied in [false, true, false] {
        if emptied {
            server.ask(&["FLUSHALL"]);
        } else {
            server.kill();
            server.restart();
        }
        let begun_at = Instant::now();
        eventually("the instance is attached again", async || {
            // The hub reads the bars all the time.
            let _ = live.read(&[seed.overlay]).await;
            live.activity(seed.overlay)
                .await
                .is_ok_and(|activity| activity.is_some_and(|activity| activity.attached))
        })
        .await;
        assert!(begun_at.elapsed() < Duration::from_secs(4), "{:?}", begun_at.elapsed());
        assert!(live.find(&seed.broadcaster).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn connecting_to_a_server_that_is_down_fails_at_once() {
    let mut server = RedisServer::start();
    server.kill();
    let begun_at = Instant::now();
    let connected = Redis::connect(&RedisConfig::new(Secret::new(server.url()))).await;
    assert!(matches!(connected, Err(ConnectError::Unreachable(_))));
    assert!(begun_at.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connecting_to_a_server_that_does_not_answer_fails() {
    let server = RedisServer::start();
    server.pause();
    let connected = Redis::connect(&RedisConfig::new(Secret::new(server.url()))).await;
    assert!(matches!(connected, Err(ConnectError::Unreachable(_))));
}

/// Forwards connections to a port until they are cut. Later connections are forwarded again.
async fn cuttable(port: u16) -> (u16, watch::Sender<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let cut = watch::Sender::new(());
    let cuts = cut.subscribe();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut cuts = cuts.clone();
            cuts.mark_unchanged();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = cuts.changed() => {}
                }
            });
        }
    });
    (own_port, cut)
}

/// A synthetic vote has no message id, so Redis could not recognise a repeat.
#[tokio::test]
async fn a_request_is_not_sent_again_after_its_connection_broke() {
    let server = RedisServer::start();
    let (port, cut) = cuttable(server.port()).await;
    let config = RedisConfig {
        deadline: Duration::from_secs(5),
        connections: 1,
        ..RedisConfig::new(Secret::new(format!("redis://127.0.0.1:{port}")))
    };
    let redis = Redis::connect(&config).await.unwrap();
    let live = RedisLive::new(redis, None, FencingTokens::default());
    let seed = attached(&live).await;
    // The server receives the vote, but does not answer yet.
    server.pause();
    let pushing = tokio::spawn({
        let live = live.clone();
        async move { live.push(seed.overlay, Side::For).await }
    });
    eventually("the server has received the vote", async || has_unread_bytes(server.port())).await;
    cut.send_replace(());
    server.resume();
    assert!(pushing.await.unwrap().is_err(), "the vote may or may not have counted");
    eventually("it is connected again", async || live.read(&[seed.overlay]).await.is_ok()).await;
    let activity = live.activity(seed.overlay).await.unwrap().unwrap();
    assert!(activity.votes_last_minute <= 1, "{} votes of one", activity.votes_last_minute);
}

/// Whether a connection to this port has bytes that the server has not read.
fn has_unread_bytes(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let waiting = columns.get(4).and_then(|queues| queues.split(':').nth(1)).unwrap_or("0");
        columns.get(1) == Some(&local.as_str())
            && columns.get(3) == Some(&"01")
            && !waiting.trim_matches('0').is_empty()
    })
}
