//! Shards: each instance has one, the lowest free one, and no gap lasts longer than a lease.

use std::time::Duration;

use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};
use chatpulse_store_redis::{Redis, RedisShards};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract::TimeControl;
use chatpulse_testkit::servers::redis::RedisServer;

use crate::support::{World, config};

const LEASE: Duration = Duration::from_mins(5);
const MOMENT: Duration = Duration::from_millis(1);

fn instance(redis: &Redis, id: &str) -> RedisShards {
    RedisShards::with_lease(redis.clone(), build::instance(id), LEASE)
}

fn slot(index: u32, count: u32) -> ShardSlot {
    ShardSlot { index, count }
}

#[tokio::test]
async fn each_instance_acquires_a_shard_and_keeps_it() {
    let server = RedisServer::start();
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|id| instance(&redis, id));
    assert_eq!(a.acquire().await.unwrap(), slot(0, 1));
    assert_eq!(b.acquire().await.unwrap(), slot(1, 2));
    assert_eq!(c.acquire().await.unwrap(), slot(2, 3));
    for _ in 0..2 {
        assert_eq!(a.acquire().await.unwrap(), slot(0, 3));
        assert_eq!(b.acquire().await.unwrap(), slot(1, 3));
        assert_eq!(c.acquire().await.unwrap(), slot(2, 3));
    }
}

#[tokio::test]
async fn the_instance_with_the_highest_shard_moves_to_a_free_one() {
    let server = RedisServer::start();
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| instance(&redis, id));
    for one in [&a, &b, &c] {
        one.acquire().await.unwrap();
    }
    a.release().await.unwrap();
    assert_eq!(b.acquire().await.unwrap(), slot(1, 3), "it has not the highest shard, so it stays");
    assert_eq!(c.acquire().await.unwrap(), slot(0, 2));
    assert_eq!(b.acquire().await.unwrap(), slot(1, 2));
    c.release().await.unwrap();
    assert_eq!(d.acquire().await.unwrap(), slot(0, 2), "a new instance takes the lowest free shard");
    b.release().await.unwrap();
    assert_eq!(d.acquire().await.unwrap(), slot(0, 1));
    a.release().await.unwrap();
    assert_eq!(d.acquire().await.unwrap(), slot(0, 1), "an instance cannot release the shard of another");
}

#[tokio::test]
async fn the_shard_of_a_dead_instance_is_taken_over_after_its_lease() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let [dead, lives] = ["dead", "lives"].map(|id| instance(&world.redis, id));
    assert_eq!(dead.acquire().await.unwrap(), slot(0, 1));
    assert_eq!(lives.acquire().await.unwrap(), slot(1, 2));
    world.clock.advance(LEASE.checked_sub(MOMENT).unwrap()).await;
    assert_eq!(lives.acquire().await.unwrap(), slot(1, 2), "the lease has not ended yet");
    world.clock.advance(MOMENT).await;
    assert_eq!(lives.acquire().await.unwrap(), slot(0, 1));
    // The other instance was only paused, and acquires another shard.
    assert_eq!(dead.acquire().await.unwrap(), slot(1, 2));
}
