//! Heartbeats, the dead, and those that come back.

use std::time::Duration;

use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_store_redis::Redis;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};

use crate::support::{Instance, config, eventually};

const LEASE: Duration = Duration::from_mins(5);
/// Long enough that nobody dies by accident.
const NEVER: Duration = Duration::from_mins(5);
const SOON: Duration = Duration::from_millis(200);

fn seed() -> SessionSeed {
    SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() }
}

async fn connect(server: &RedisServer) -> Redis {
    Redis::connect(&config(server.url())).await.unwrap()
}

#[tokio::test]
async fn a_heartbeat_counts_the_living() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (a, b) = (Instance::new(&redis, "a", LEASE, NEVER), Instance::new(&redis, "b", LEASE, NEVER));
    let first = a.registry.heartbeat().await.unwrap();
    assert!(first.registered);
    assert_eq!(first.living, 1);
    assert_eq!(b.registry.heartbeat().await.unwrap().living, 2);
    let second = a.registry.heartbeat().await.unwrap();
    assert!(!second.registered);
    b.registry.deregister().await.unwrap();
    assert_eq!(a.registry.heartbeat().await.unwrap().living, 1);
}

async fn what_a_dead_instance_held_becomes_an_orphan(redis: &Redis) {
    let dead = Instance::new(redis, "dead", LEASE, SOON);
    let leader = Instance::new(redis, "leader", LEASE, SOON);
    let (alone, shared) = (seed(), seed());
    dead.registry.heartbeat().await.unwrap();
    dead.live.attach(&alone, &dead.id, 1).await.unwrap();
    dead.live.attach(&shared, &dead.id, 2).await.unwrap();
    leader.live.attach(&shared, &leader.id, 1).await.unwrap();
    assert!(leader.leadership.acquire().await.unwrap());
    eventually("it is given up", async || {
        leader.registry.heartbeat().await.unwrap();
        leader.registry.release_dead().await.unwrap() > 0
    })
    .await;
    let orphans = leader.live.orphans(Duration::ZERO).await.unwrap();
    let found: Vec<_> = orphans.iter().map(|orphan| orphan.overlay).collect();
    assert_eq!(found, [alone.overlay], "the other one is still held by the leader");
    let activity = leader.live.activity(shared.overlay).await.unwrap().unwrap();
    assert_eq!(activity.viewers, 1);
    // Its disconnect was its last heartbeat, not the moment of the sweep.
    assert_eq!(leader.live.orphans(SOON).await.unwrap().len(), 1);
    assert_eq!(leader.registry.release_dead().await.unwrap(), 0, "buried once");
    assert!(leader.live.delete_orphan(alone.overlay, SOON).await.unwrap());
    assert!(!leader.live.delete_orphan(shared.overlay, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn what_a_dead_instance_held_is_released_as_of_its_last_heartbeat() {
    let server = RedisServer::start();
    what_a_dead_instance_held_becomes_an_orphan(&connect(&server).await).await;
}

#[tokio::test]
async fn what_a_dead_instance_held_is_released_on_a_cluster() {
    let cluster = RedisCluster::start();
    let redis = Redis::connect(&config(&cluster.url())).await.unwrap();
    what_a_dead_instance_held_becomes_an_orphan(&redis).await;
}

#[tokio::test]
async fn only_the_leader_buries() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (dead, other) = (Instance::new(&redis, "dead", LEASE, SOON), Instance::new(&redis, "b", LEASE, SOON));
    dead.registry.heartbeat().await.unwrap();
    eventually("it is silent for long enough", async || {
        let registered = other.registry.heartbeat().await.unwrap();
        registered.living == 1
    })
    .await;
    assert_eq!(other.registry.release_dead().await.unwrap(), 0);
    assert!(other.leadership.acquire().await.unwrap());
    assert_eq!(other.registry.release_dead().await.unwrap(), 1);
}

#[tokio::test]
async fn one_that_was_given_up_and_comes_back_holds_everything_again() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let paused = Instance::new(&redis, "paused", LEASE, SOON);
    let leader = Instance::new(&redis, "leader", LEASE, SOON);
    let seed = seed();
    paused.registry.heartbeat().await.unwrap();
    paused.live.attach(&seed, &paused.id, 3).await.unwrap();
    paused.live.push(seed.overlay, Side::For).await.unwrap();
    assert!(leader.leadership.acquire().await.unwrap());
    eventually("it is given up", async || leader.registry.release_dead().await.unwrap() > 0).await;
    assert!(!leader.live.activity(seed.overlay).await.unwrap().unwrap().attached);

    let back = paused.registry.heartbeat().await.unwrap();
    assert!(back.registered);
    let activity = leader.live.activity(seed.overlay).await.unwrap().unwrap();
    assert_eq!((activity.viewers, activity.attached), (3, true));
    assert_eq!(leader.live.orphans(Duration::ZERO).await.unwrap(), []);
}

#[tokio::test]
async fn an_emptied_redis_is_told_everything_again() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let instance = Instance::new(&redis, "a", LEASE, NEVER);
    let (kept, closed) = (seed(), seed());
    instance.registry.heartbeat().await.unwrap();
    instance.live.attach(&kept, &instance.id, 2).await.unwrap();
    instance.live.attach(&closed, &instance.id, 1).await.unwrap();
    instance.live.release(closed.overlay, &instance.id).await.unwrap();
    server.ask(&["FLUSHALL"]);
    assert!(instance.registry.heartbeat().await.unwrap().registered);
    assert!(instance.live.find(&kept.broadcaster).await.unwrap().is_some());
    assert_eq!(instance.live.activity(kept.overlay).await.unwrap().unwrap().viewers, 2);
    assert!(instance.live.find(&closed.broadcaster).await.unwrap().is_none());
}

#[tokio::test]
async fn a_single_session_that_redis_lost_is_held_again_at_the_next_mention() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let instance = Instance::new(&redis, "a", LEASE, NEVER);
    let (lost, whole) = (seed(), seed());
    instance.registry.heartbeat().await.unwrap();
    for seed in [&lost, &whole] {
        instance.live.attach(seed, &instance.id, 1).await.unwrap();
        instance.live.push(seed.overlay, Side::For).await.unwrap();
    }
    server.ask(&[
        "DEL",
        &format!("session:{{{}}}", lost.overlay),
        &format!("broadcaster:{}", lost.broadcaster),
    ]);
    instance.registry.refresh().await.unwrap();
    assert!(instance.live.find(&lost.broadcaster).await.unwrap().is_some());
    let readings = instance.live.read(&[lost.overlay, whole.overlay]).await.unwrap();
    assert!(readings[0].unwrap().sentiment.value().abs() < 1e-9, "a new one begins centred");
    assert!((readings[1].unwrap().sentiment.value() - 10.0).abs() < 1e-9, "the other one was left alone");
}

#[tokio::test]
async fn a_held_session_outlives_its_votes_by_being_mentioned() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let instance = Instance::new(&redis, "a", LEASE, NEVER);
    let seed = seed();
    instance.registry.heartbeat().await.unwrap();
    instance.live.attach(&seed, &instance.id, 1).await.unwrap();
    let (session, holders) =
        (format!("session:{{{}}}", seed.overlay), format!("ref_count:{{{}}}", seed.overlay));
    let index = format!("broadcaster:{}", seed.broadcaster);
    for key in [&session, &holders, &index] {
        server.ask(&["PEXPIRE", key, "60000"]);
    }
    instance.registry.refresh().await.unwrap();
    for key in [&session, &holders, &index] {
        let left: i64 = server.ask(&["PTTL", key]).trim().trim_start_matches(':').parse().unwrap();
        assert!(left > 3_000_000, "{key} has {left} ms left");
    }
}

/// The leader that gave it up may be late with letting go.
#[tokio::test]
async fn what_was_held_again_is_not_let_go_in_the_name_of_the_dead() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let back = Instance::new(&redis, "back", LEASE, NEVER);
    let seed = seed();
    back.registry.heartbeat().await.unwrap();
    let epoch_of_the_dead = server.ask(&["HGET", "instance_epochs:{instances}", "back"]);
    let epoch_of_the_dead = epoch_of_the_dead.lines().nth(1).unwrap();
    server.ask(&["ZREM", "instances", "back"]);
    assert!(back.registry.heartbeat().await.unwrap().registered, "it was buried meanwhile");
    back.live.attach(&seed, &back.id, 1).await.unwrap();
    let (session, holders) =
        (format!("session:{{{}}}", seed.overlay), format!("ref_count:{{{}}}", seed.overlay));
    let release =
        ["FCALL", "chatpulse_release", "2", &session, &holders, "back", epoch_of_the_dead, "0", "1"];
    assert!(server.ask(&release).contains("attached"));
    assert!(back.live.activity(seed.overlay).await.unwrap().unwrap().attached);
}

fn rotated() -> (SessionSeed, SessionSeed) {
    let before = seed();
    let after = SessionSeed { overlay: chatpulse_domain::ids::OverlayId::random(), ..before.clone() };
    (before, after)
}

/// The streamer has a new address, and an instance that missed the news still serves the old one.
#[tokio::test]
async fn whoever_missed_a_rotation_takes_no_votes_from_the_new_address() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (late, other) =
        (Instance::new(&redis, "late", LEASE, NEVER), Instance::new(&redis, "b", LEASE, NEVER));
    let (before, after) = rotated();
    late.registry.heartbeat().await.unwrap();
    late.live.attach(&before, &late.id, 1).await.unwrap();
    other.live.delete(before.overlay).await.unwrap();
    other.live.attach(&after, &other.id, 1).await.unwrap();
    assert_eq!(late.registry.refresh().await.unwrap(), 0);
    let votes_in = other.live.find(&after.broadcaster).await.unwrap().unwrap();
    assert_eq!(votes_in.overlay, after.overlay);
    // Neither does one that was given up meanwhile.
    server.ask(&["ZREM", "instances", "late"]);
    assert!(late.registry.heartbeat().await.unwrap().registered);
    let votes_in = other.live.find(&after.broadcaster).await.unwrap().unwrap();
    assert_eq!(votes_in.overlay, after.overlay);
}

#[tokio::test]
async fn an_index_that_points_to_a_session_that_is_gone_is_turned_by_a_holder() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let instance = Instance::new(&redis, "a", LEASE, NEVER);
    let (gone, seed) = rotated();
    instance.registry.heartbeat().await.unwrap();
    instance.live.attach(&seed, &instance.id, 1).await.unwrap();
    let index = format!("broadcaster:{}", seed.broadcaster);
    server.ask(&["SET", &index, &gone.overlay.to_string(), "PX", "1000"]);
    assert!(instance.live.find(&seed.broadcaster).await.unwrap().is_none());
    instance.registry.refresh().await.unwrap();
    assert_eq!(instance.live.find(&seed.broadcaster).await.unwrap().unwrap().overlay, seed.overlay);
}

#[tokio::test]
async fn one_odd_session_does_not_keep_the_others_from_being_held_again() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let instance = Instance::new(&redis, "a", LEASE, NEVER);
    let seeds: Vec<SessionSeed> = (0..20).map(|_| seed()).collect();
    instance.registry.heartbeat().await.unwrap();
    for seed in &seeds {
        instance.live.attach(seed, &instance.id, 1).await.unwrap();
    }
    server.ask(&["FLUSHALL"]);
    let odd = seeds[7].overlay;
    server.ask(&["HSET", &format!("session:{{{odd}}}"), "value", "ten apples"]);
    assert!(instance.registry.heartbeat().await.unwrap().registered);
    for seed in seeds.iter().filter(|seed| seed.overlay != odd) {
        assert!(instance.live.activity(seed.overlay).await.unwrap().unwrap().attached);
    }
    assert_eq!(instance.registry.refresh().await.unwrap(), 1, "that one is tried again");
}

#[tokio::test]
async fn whoever_leaves_takes_every_trace_along() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let instance = Instance::new(&redis, "a", LEASE, NEVER);
    instance.registry.heartbeat().await.unwrap();
    let seed = seed();
    instance.live.attach(&seed, &instance.id, 1).await.unwrap();
    instance.live.release(seed.overlay, &instance.id).await.unwrap();
    assert!(instance.live.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap());
    instance.registry.deregister().await.unwrap();
    let keys = server.ask(&["KEYS", "*"]);
    let left: Vec<&str> =
        keys.lines().filter(|line| line.contains(':') && !line.starts_with(['*', '$'])).collect();
    assert_eq!(left, [format!("broadcaster:{}", seed.broadcaster)], "which expires in minutes");
}

/// While the leader lets go of what was held, its owner comes back and then dies for good.
#[tokio::test]
async fn clearing_up_late_takes_nothing_from_one_that_came_back() {
    let server = RedisServer::start();
    let redis = connect(&server).await;
    let (back, leader) =
        (Instance::new(&redis, "back", LEASE, SOON), Instance::new(&redis, "l", LEASE, SOON));
    let seed = seed();
    back.registry.heartbeat().await.unwrap();
    back.live.attach(&seed, &back.id, 1).await.unwrap();
    assert!(leader.leadership.acquire().await.unwrap());
    let of_the_dead = server.ask(&["KEYS", "instance_sessions:back:*"]);
    tokio::time::sleep(SOON).await;
    assert!(back.registry.heartbeat().await.unwrap().registered);
    let of_the_living = server.ask(&["KEYS", "instance_sessions:back:*"]);
    assert_ne!(of_the_dead, of_the_living);
    assert!(of_the_living.starts_with("*1"), "{of_the_living}");
    eventually("it is given up for good", async || {
        leader.registry.heartbeat().await.unwrap();
        leader.registry.release_dead().await.unwrap() > 0
    })
    .await;
    assert!(!leader.live.activity(seed.overlay).await.unwrap().unwrap().attached);
    assert!(server.ask(&["KEYS", "instance_sessions:back:*"]).starts_with("*0"));
}

/// Between the look at an entry and its removal somebody else may have left.
#[tokio::test]
async fn an_entry_of_the_disconnected_is_only_dropped_as_old_as_it_was_seen() {
    let server = RedisServer::start();
    connect(&server).await;
    server.ask(&["ZADD", "disconnected_sessions", "2000", "overlay"]);
    let forget = ["FCALL", "chatpulse_remove_index_entry", "1", "disconnected_sessions", "overlay"];
    assert!(server.ask(&[&forget[..], &["1999"]].concat()).contains("kept"));
    assert!(server.ask(&[&forget[..], &["2000"]].concat()).contains("done"));
}
