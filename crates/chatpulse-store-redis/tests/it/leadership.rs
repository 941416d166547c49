//! The leader's lease: one leader at a time, known by name and token, with rising tokens.

use std::time::Duration;

use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_store_redis::{FencingTokens, Redis, RedisLeadership};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract::TimeControl;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use tokio_util::sync::CancellationToken;

use crate::support::{DEAD_AFTER, Instance, World, config, eventually};

const LONG: Duration = Duration::from_mins(5);
const SHORT: Duration = Duration::from_millis(300);

async fn connect(server: &RedisServer) -> Redis {
    Redis::connect(&config(server.url())).await.unwrap()
}

fn candidate(redis: &Redis, id: &str, lease: Duration) -> (RedisLeadership, FencingTokens) {
    let fencing = FencingTokens::default();
    let leadership = RedisLeadership::with_lease(redis.clone(), build::instance(id), fencing.clone(), lease);
    (leadership, fencing)
}

#[tokio::test]
async fn one_instance_leads_and_renews_its_lease() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let ((a, a_fencing), (b, _)) = (candidate(&redis, "a", LONG), candidate(&redis, "b", LONG));
    assert!(!a.is_leader().await, "no instance leads without a lease");
    assert!(a.acquire().await.unwrap());
    assert!(!b.acquire().await.unwrap());
    let token = a_fencing.leader();
    assert!(a.acquire().await.unwrap());
    assert_eq!(a_fencing.leader(), token, "a renewal is no new election");
    assert!(a.is_leader().await && !b.is_leader().await);
    assert!(server.ask(&["GET", "cleanup:leader"]).contains("\r\na\r\n"));
}

#[tokio::test]
async fn an_expired_lease_goes_to_another_instance_with_a_higher_token() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let ((a, a_fencing), (b, b_fencing)) = (candidate(&redis, "a", SHORT), candidate(&redis, "b", LONG));
    assert!(a.acquire().await.unwrap());
    eventually("b leads after a's lease", async || b.acquire().await.unwrap()).await;
    assert!(!a.is_leader().await, "it stopped leading before its lease ended");
    assert!(!a.acquire().await.unwrap());
    assert!(b_fencing.leader() > a_fencing.leader());
}

#[tokio::test]
async fn a_new_process_is_not_taken_for_an_earlier_one_of_the_same_name() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (old, _) = candidate(&redis, "same", LONG);
    assert!(old.acquire().await.unwrap());
    let (new, _) = candidate(&redis, "same", LONG);
    assert!(!new.acquire().await.unwrap());
    assert!(old.acquire().await.unwrap());
    new.release().await;
    assert!(old.acquire().await.unwrap(), "it cannot release the lease of another process");
}

#[tokio::test]
async fn an_instance_that_stops_releases_its_lease() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let ((a, _), (b, _)) = (candidate(&redis, "a", LONG), candidate(&redis, "b", LONG));
    let stop = CancellationToken::new();
    let running = tokio::spawn(a.clone().run(stop.clone()));
    eventually("a leads", async || a.is_leader().await).await;
    assert!(!b.acquire().await.unwrap());
    stop.cancel();
    running.await.unwrap();
    assert!(!a.is_leader().await);
    assert!(b.acquire().await.unwrap());
}

#[tokio::test]
async fn tokens_rise_although_redis_lost_its_data() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (a, fencing) = candidate(&redis, "a", LONG);
    assert!(a.acquire().await.unwrap());
    let before = fencing.leader();
    server.ask(&["FLUSHALL"]);
    assert!(a.acquire().await.unwrap());
    assert!(fencing.leader() > before);
}

#[tokio::test]
async fn a_replaced_leader_cannot_delete_a_session_that_the_new_leader_released() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let old = Instance::with_lease(&world.redis, "old", SHORT);
    let (new, dead) = (Instance::new(&world.redis, "new"), Instance::new(&world.redis, "dead"));
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    dead.registry.heartbeat().await.unwrap();
    dead.live.attach(&seed, &dead.id, 1).await.unwrap();
    assert!(old.leadership.acquire().await.unwrap());
    eventually("the new one leads", async || new.leadership.acquire().await.unwrap()).await;
    world.clock.advance(DEAD_AFTER).await;
    assert_eq!(new.registry.release_dead().await.unwrap(), 1);
    let by_old = old.live.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap();
    assert!(!by_old, "its token is too low");
    assert!(new.live.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn a_cluster_has_one_leader_too() {
    let cluster = RedisCluster::start();
    let redis = Redis::connect(&config(&cluster.url())).await.unwrap();
    let ((a, _), (b, _)) = (candidate(&redis, "a", LONG), candidate(&redis, "b", LONG));
    assert!(a.acquire().await.unwrap() && !b.acquire().await.unwrap());
    a.release().await;
    assert!(b.acquire().await.unwrap() && !a.acquire().await.unwrap());
}
