//! The lease: one at a time, with rising tokens, by name and token.

use std::time::Duration;

use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_store_redis::{Redis, RedisLeadership, Standing};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use tokio_util::sync::CancellationToken;

use crate::support::{Instance, config, eventually};

const LONG: Duration = Duration::from_mins(5);
const SHORT: Duration = Duration::from_millis(300);

async fn connect(server: &RedisServer) -> Redis {
    Redis::connect(&config(server.url())).await.unwrap()
}

fn candidate(redis: &Redis, id: &str, lease: Duration) -> (RedisLeadership, Standing) {
    let standing = Standing::default();
    let leadership = RedisLeadership::with_lease(redis.clone(), build::instance(id), standing.clone(), lease);
    (leadership, standing)
}

#[tokio::test]
async fn one_leads_and_stays_leader_by_asking_again() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let ((a, a_standing), (b, _)) = (candidate(&redis, "a", LONG), candidate(&redis, "b", LONG));
    assert!(!a.is_leader().await, "nobody leads before asking");
    assert!(a.ask().await.unwrap());
    assert!(!b.ask().await.unwrap());
    let token = a_standing.token();
    assert!(a.ask().await.unwrap());
    assert_eq!(a_standing.token(), token, "an extension is no new election");
    assert!(a.is_leader().await && !b.is_leader().await);
    assert!(server.ask(&["GET", "cleanup:leader"]).contains("\r\na\r\n"));
}

#[tokio::test]
async fn a_lease_that_ended_goes_to_another_with_a_higher_token() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let ((a, a_standing), (b, b_standing)) = (candidate(&redis, "a", SHORT), candidate(&redis, "b", LONG));
    assert!(a.ask().await.unwrap());
    eventually("b leads after a's lease", async || b.ask().await.unwrap()).await;
    assert!(!a.is_leader().await, "it stopped before its lease did");
    assert!(!a.ask().await.unwrap());
    assert!(b_standing.token() > a_standing.token());
}

#[tokio::test]
async fn a_new_process_is_not_mistaken_for_the_old_one_of_its_name() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (old, _) = candidate(&redis, "same", LONG);
    assert!(old.ask().await.unwrap());
    let (new, _) = candidate(&redis, "same", LONG);
    assert!(!new.ask().await.unwrap());
    assert!(old.ask().await.unwrap());
    new.resign().await;
    assert!(old.ask().await.unwrap(), "nor can it give away what is not its own");
}

#[tokio::test]
async fn whoever_stops_gives_the_lease_back() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let ((a, _), (b, _)) = (candidate(&redis, "a", LONG), candidate(&redis, "b", LONG));
    let stop = CancellationToken::new();
    let running = tokio::spawn(a.clone().run(stop.clone()));
    eventually("a leads", async || a.is_leader().await).await;
    assert!(!b.ask().await.unwrap());
    stop.cancel();
    running.await.unwrap();
    assert!(!a.is_leader().await);
    assert!(b.ask().await.unwrap());
}

#[tokio::test]
async fn tokens_rise_although_redis_lost_its_memory() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (a, standing) = candidate(&redis, "a", LONG);
    assert!(a.ask().await.unwrap());
    let before = standing.token();
    server.ask(&["FLUSHALL"]);
    assert!(a.ask().await.unwrap());
    assert!(standing.token() > before);
}

#[tokio::test]
async fn a_replaced_leader_deletes_nothing_that_the_new_one_has_looked_after() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let old = Instance::new(&redis, "old", SHORT, Duration::from_millis(200));
    let new = Instance::new(&redis, "new", LONG, Duration::from_millis(200));
    let dead = Instance::new(&redis, "dead", LONG, Duration::from_millis(200));
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    dead.registry.beat().await.unwrap();
    dead.live.attach(&seed, &dead.id, 1).await.unwrap();
    assert!(old.leadership.ask().await.unwrap());
    eventually("the new one leads", async || new.leadership.ask().await.unwrap()).await;
    eventually("the dead one is buried", async || new.registry.sweep().await.unwrap() > 0).await;
    let by_old = old.live.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap();
    assert!(!by_old, "its token is too low");
    assert!(new.live.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn a_cluster_has_one_leader_too() {
    let cluster = RedisCluster::start();
    let redis = Redis::connect(&config(&cluster.url())).await.unwrap();
    let ((a, _), (b, _)) = (candidate(&redis, "a", LONG), candidate(&redis, "b", LONG));
    assert!(a.ask().await.unwrap() && !b.ask().await.unwrap());
    a.resign().await;
    assert!(b.ask().await.unwrap() && !a.ask().await.unwrap());
}
