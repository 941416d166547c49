//! Heartbeats, dead instances, and instances that come back. Time passes only when a test advances it.

use std::time::Duration;

use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract::TimeControl;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};

use crate::support::{DEAD_AFTER, Instance, World};

const MOMENT: Duration = Duration::from_millis(1);

fn seed() -> SessionSeed {
    SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() }
}

fn keys_of(seed: &SessionSeed) -> (String, String) {
    (format!("session:{{{}}}", seed.overlay), format!("ref_count:{{{}}}", seed.overlay))
}

async fn is_attached(instance: &Instance, seed: &SessionSeed) -> bool {
    instance.live.activity(seed.overlay).await.unwrap().unwrap().attached
}

#[tokio::test]
async fn a_heartbeat_counts_the_living_instances() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let (a, b) = (Instance::new(&world.redis, "a"), Instance::new(&world.redis, "b"));
    let first = a.registry.heartbeat().await.unwrap();
    assert!(first.registered);
    assert_eq!(first.living, 1);
    assert_eq!(b.registry.heartbeat().await.unwrap().living, 2);
    let second = a.registry.heartbeat().await.unwrap();
    assert!(!second.registered);
    b.registry.deregister().await.unwrap();
    assert_eq!(a.registry.heartbeat().await.unwrap().living, 1);
}

async fn sessions_of_a_dead_instance_become_orphans(world: &World) {
    let (dead, leader) = (Instance::new(&world.redis, "dead"), Instance::new(&world.redis, "leader"));
    let (alone, shared) = (seed(), seed());
    dead.registry.heartbeat().await.unwrap();
    dead.live.attach(&alone, &dead.id, 1).await.unwrap();
    dead.live.attach(&shared, &dead.id, 2).await.unwrap();
    leader.live.attach(&shared, &leader.id, 1).await.unwrap();
    assert!(leader.leadership.acquire().await.unwrap());
    world.clock.advance(DEAD_AFTER.checked_sub(MOMENT).unwrap()).await;
    leader.registry.heartbeat().await.unwrap();
    assert_eq!(leader.registry.release_dead().await.unwrap(), 0, "not dead yet");
    world.clock.advance(MOMENT).await;
    assert_eq!(leader.registry.release_dead().await.unwrap(), 1);

    let orphans = leader.live.orphans(Duration::ZERO).await.unwrap();
    let found: Vec<_> = orphans.iter().map(|orphan| orphan.overlay).collect();
    assert_eq!(found, [alone.overlay], "the leader is still attached to the other session");
    let activity = leader.live.activity(shared.overlay).await.unwrap().unwrap();
    assert_eq!(activity.viewers, 1);
    // It disconnected at its last heartbeat, not when it was found dead.
    assert_eq!(leader.live.orphans(DEAD_AFTER).await.unwrap().len(), 1);
    assert_eq!(leader.registry.release_dead().await.unwrap(), 0, "once only");
    assert!(leader.live.delete_orphan(alone.overlay, DEAD_AFTER).await.unwrap());
    assert!(!leader.live.delete_orphan(shared.overlay, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn sessions_of_a_dead_instance_are_released_as_of_its_last_heartbeat() {
    let server = RedisServer::start();
    sessions_of_a_dead_instance_become_orphans(&World::on(server.url()).await).await;
}

#[tokio::test]
async fn sessions_of_a_dead_instance_are_released_on_a_cluster() {
    let cluster = RedisCluster::start();
    sessions_of_a_dead_instance_become_orphans(&World::on(&cluster.url()).await).await;
}

#[tokio::test]
async fn only_the_leader_releases_the_sessions_of_dead_instances() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let (dead, other) = (Instance::new(&world.redis, "dead"), Instance::new(&world.redis, "b"));
    dead.registry.heartbeat().await.unwrap();
    world.clock.advance(DEAD_AFTER).await;
    assert_eq!(other.registry.heartbeat().await.unwrap().living, 1);
    assert_eq!(other.registry.release_dead().await.unwrap(), 0);
    assert!(other.leadership.acquire().await.unwrap());
    assert_eq!(other.registry.release_dead().await.unwrap(), 1);
}

#[tokio::test]
async fn an_instance_that_was_declared_dead_and_comes_back_attaches_again() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let (paused, leader) = (Instance::new(&world.redis, "paused"), Instance::new(&world.redis, "leader"));
    let seed = seed();
    paused.registry.heartbeat().await.unwrap();
    paused.live.attach(&seed, &paused.id, 3).await.unwrap();
    paused.live.push(seed.overlay, Side::For).await.unwrap();
    assert!(leader.leadership.acquire().await.unwrap());
    world.clock.advance(DEAD_AFTER).await;
    assert_eq!(leader.registry.release_dead().await.unwrap(), 1);
    assert!(!is_attached(&leader, &seed).await);

    let back = paused.registry.heartbeat().await.unwrap();
    assert!(back.registered);
    let activity = leader.live.activity(seed.overlay).await.unwrap().unwrap();
    assert_eq!((activity.viewers, activity.attached), (3, true));
    assert_eq!(leader.live.orphans(Duration::ZERO).await.unwrap(), []);
}

#[tokio::test]
async fn an_instance_attaches_to_all_its_sessions_again_after_redis_was_emptied() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let instance = Instance::new(&world.redis, "a");
    let (open, closed) = (seed(), seed());
    instance.registry.heartbeat().await.unwrap();
    instance.live.attach(&open, &instance.id, 2).await.unwrap();
    instance.live.attach(&closed, &instance.id, 1).await.unwrap();
    instance.live.release(closed.overlay, &instance.id).await.unwrap();
    server.ask(&["FLUSHALL"]);
    assert!(instance.registry.heartbeat().await.unwrap().registered);
    assert!(instance.live.find(&open.broadcaster).await.unwrap().is_some());
    assert_eq!(instance.live.activity(open.overlay).await.unwrap().unwrap().viewers, 2);
    assert!(instance.live.find(&closed.broadcaster).await.unwrap().is_none());
}

#[tokio::test]
async fn a_refresh_attaches_again_to_a_single_session_that_redis_lost() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let instance = Instance::new(&world.redis, "a");
    let (lost, intact) = (seed(), seed());
    instance.registry.heartbeat().await.unwrap();
    for seed in [&lost, &intact] {
        instance.live.attach(seed, &instance.id, 1).await.unwrap();
        instance.live.push(seed.overlay, Side::For).await.unwrap();
    }
    server.ask(&["DEL", &keys_of(&lost).0, &format!("broadcaster:{}", lost.broadcaster)]);
    instance.registry.refresh().await.unwrap();
    assert!(instance.live.find(&lost.broadcaster).await.unwrap().is_some());
    let readings = instance.live.read(&[lost.overlay, intact.overlay]).await.unwrap();
    assert!(readings[0].unwrap().sentiment.value().abs() < 1e-9, "a new session begins centred");
    assert!((readings[1].unwrap().sentiment.value() - 10.0).abs() < 1e-9, "the other session is unchanged");
}

#[tokio::test]
async fn a_refresh_extends_the_ttl_of_attached_sessions() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let instance = Instance::new(&world.redis, "a");
    let seed = seed();
    instance.registry.heartbeat().await.unwrap();
    instance.live.attach(&seed, &instance.id, 1).await.unwrap();
    let (session, instances) = keys_of(&seed);
    let index = format!("broadcaster:{}", seed.broadcaster);
    for key in [&session, &instances, &index] {
        server.ask(&["PEXPIRE", key, "60000"]);
    }
    instance.registry.refresh().await.unwrap();
    for key in [&session, &instances, &index] {
        let left: i64 = server.ask(&["PTTL", key]).trim().trim_start_matches(':').parse().unwrap();
        assert!(left > 3_000_000, "{key} has {left} ms left");
    }
}

/// The leader that declared the instance dead may release its sessions late.
#[tokio::test]
async fn a_late_release_for_a_dead_instance_does_not_detach_it_after_its_return() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let back = Instance::new(&world.redis, "back");
    let seed = seed();
    back.registry.heartbeat().await.unwrap();
    let earlier_epoch = server.ask(&["HGET", "instance_epochs:{instances}", "back"]);
    let earlier_epoch = earlier_epoch.lines().nth(1).unwrap();
    server.ask(&["ZREM", "instances", "back"]);
    assert!(back.registry.heartbeat().await.unwrap().registered, "it was deregistered meanwhile");
    back.live.attach(&seed, &back.id, 1).await.unwrap();
    let (session, instances) = keys_of(&seed);
    let function = world.function("release");
    let release = ["FCALL", &function, "2", &session, &instances, "back", earlier_epoch, "0", "1"];
    assert!(server.ask(&release).contains("attached"));
    assert!(is_attached(&back, &seed).await);
}

fn rotated() -> (SessionSeed, SessionSeed) {
    let before = seed();
    let after = SessionSeed { overlay: chatpulse_domain::ids::OverlayId::random(), ..before.clone() };
    (before, after)
}

/// The streamer has a new address, and an instance that missed the signal still serves the old one.
#[tokio::test]
async fn an_instance_that_missed_a_rotation_takes_no_votes_from_the_new_address() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let (late, other) = (Instance::new(&world.redis, "late"), Instance::new(&world.redis, "b"));
    let (before, after) = rotated();
    late.registry.heartbeat().await.unwrap();
    late.live.attach(&before, &late.id, 1).await.unwrap();
    other.live.delete(before.overlay).await.unwrap();
    other.live.attach(&after, &other.id, 1).await.unwrap();
    assert_eq!(late.registry.refresh().await.unwrap(), 0);
    let found = other.live.find(&after.broadcaster).await.unwrap().unwrap();
    assert_eq!(found.overlay, after.overlay);
    // Nor does it after it was declared dead meanwhile.
    server.ask(&["ZREM", "instances", "late"]);
    assert!(late.registry.heartbeat().await.unwrap().registered);
    let found = other.live.find(&after.broadcaster).await.unwrap().unwrap();
    assert_eq!(found.overlay, after.overlay);
}

#[tokio::test]
async fn a_refresh_replaces_an_index_entry_for_a_session_that_ended() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let instance = Instance::new(&world.redis, "a");
    let (ended, seed) = rotated();
    instance.registry.heartbeat().await.unwrap();
    instance.live.attach(&seed, &instance.id, 1).await.unwrap();
    let index = format!("broadcaster:{}", seed.broadcaster);
    server.ask(&["SET", &index, &ended.overlay.to_string(), "PX", "60000"]);
    assert!(instance.live.find(&seed.broadcaster).await.unwrap().is_none());
    instance.registry.refresh().await.unwrap();
    assert_eq!(instance.live.find(&seed.broadcaster).await.unwrap().unwrap().overlay, seed.overlay);
}

#[tokio::test]
async fn a_malformed_session_does_not_keep_an_instance_from_attaching_to_the_others() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let instance = Instance::new(&world.redis, "a");
    let seeds: Vec<SessionSeed> = (0..20).map(|_| seed()).collect();
    instance.registry.heartbeat().await.unwrap();
    for seed in &seeds {
        instance.live.attach(seed, &instance.id, 1).await.unwrap();
    }
    server.ask(&["FLUSHALL"]);
    let malformed = &seeds[7];
    server.ask(&["HSET", &keys_of(malformed).0, "value", "ten apples"]);
    assert!(instance.registry.heartbeat().await.unwrap().registered);
    for seed in seeds.iter().filter(|seed| seed.overlay != malformed.overlay) {
        assert!(is_attached(&instance, seed).await);
    }
    assert_eq!(instance.registry.refresh().await.unwrap(), 1, "the malformed session is tried again");
}

#[tokio::test]
async fn an_instance_that_deregisters_leaves_nothing_but_what_expires() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let instance = Instance::new(&world.redis, "a");
    instance.registry.heartbeat().await.unwrap();
    let seed = seed();
    instance.live.attach(&seed, &instance.id, 1).await.unwrap();
    instance.live.release(seed.overlay, &instance.id).await.unwrap();
    assert!(instance.live.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap());
    instance.registry.deregister().await.unwrap();
    let keys = server.ask(&["KEYS", "*"]);
    let left: Vec<&str> =
        keys.lines().filter(|line| line.contains(':') && !line.starts_with(['*', '$'])).collect();
    assert_eq!(left, [format!("broadcaster:{}", seed.broadcaster)], "it expires in minutes");
}

/// The instance comes back while the leader releases its sessions, and then dies for good.
#[tokio::test]
async fn a_late_clean_up_takes_nothing_from_an_instance_that_came_back() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let (back, leader) = (Instance::new(&world.redis, "back"), Instance::new(&world.redis, "leader"));
    let seed = seed();
    back.registry.heartbeat().await.unwrap();
    back.live.attach(&seed, &back.id, 1).await.unwrap();
    assert!(leader.leadership.acquire().await.unwrap());
    let earlier_list = server.ask(&["KEYS", "instance_sessions:back:*"]);
    world.clock.advance(DEAD_AFTER).await;
    assert!(back.registry.heartbeat().await.unwrap().registered);
    let current_list = server.ask(&["KEYS", "instance_sessions:back:*"]);
    assert_ne!(earlier_list, current_list);
    assert!(current_list.starts_with("*1"), "{current_list}");
    world.clock.advance(DEAD_AFTER).await;
    assert_eq!(leader.registry.release_dead().await.unwrap(), 1);
    assert!(!is_attached(&leader, &seed).await);
    assert!(server.ask(&["KEYS", "instance_sessions:back:*"]).starts_with("*0"));
}

/// Between reading an entry and removing it another instance may have released the session again.
#[tokio::test]
async fn an_index_entry_that_became_newer_is_not_removed() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    server.ask(&["ZADD", "disconnected_sessions", "2000", "overlay"]);
    let function = world.function("remove_index_entry");
    let remove = ["FCALL", &function, "1", "disconnected_sessions", "overlay"];
    assert!(server.ask(&[&remove[..], &["1999"]].concat()).contains("kept"));
    assert!(server.ask(&[&remove[..], &["2000"]].concat()).contains("done"));
}
