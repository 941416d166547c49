//! Shards: one each, the lowest that is free, and no gap for longer than a lease.

use std::time::Duration;

use chatpulse_domain::ports::shard_leases::{ShardLeases, ShardSlot};
use chatpulse_store_redis::{Redis, RedisShards};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::RedisServer;

use crate::support::{config, eventually};

const LONG: Duration = Duration::from_mins(5);
const SHORT: Duration = Duration::from_millis(300);

fn instance(redis: &Redis, id: &str, lease: Duration) -> RedisShards {
    RedisShards::with_lease(redis.clone(), build::instance(id), lease)
}

fn slot(index: u32, count: u32) -> ShardSlot {
    ShardSlot { index, count }
}

#[tokio::test]
async fn each_instance_has_a_shard_of_its_own_and_keeps_it() {
    let server = RedisServer::start();
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|id| instance(&redis, id, LONG));
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
async fn whoever_has_the_highest_moves_into_the_place_of_one_that_left() {
    let server = RedisServer::start();
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| instance(&redis, id, LONG));
    for one in [&a, &b, &c] {
        one.acquire().await.unwrap();
    }
    a.release().await.unwrap();
    assert_eq!(b.acquire().await.unwrap(), slot(1, 3), "not the highest: it stays");
    assert_eq!(c.acquire().await.unwrap(), slot(0, 2));
    assert_eq!(b.acquire().await.unwrap(), slot(1, 2));
    c.release().await.unwrap();
    assert_eq!(d.acquire().await.unwrap(), slot(0, 2), "a new one takes the lowest");
    b.release().await.unwrap();
    assert_eq!(d.acquire().await.unwrap(), slot(0, 1));
    a.release().await.unwrap();
    assert_eq!(d.acquire().await.unwrap(), slot(0, 1), "nobody gives away what is not theirs");
}

#[tokio::test]
async fn the_shard_of_a_dead_instance_is_taken_over_after_its_lease() {
    let server = RedisServer::start();
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    let (dead, lives) = (instance(&redis, "dead", SHORT), instance(&redis, "lives", SHORT));
    assert_eq!(dead.acquire().await.unwrap(), slot(0, 1));
    assert_eq!(lives.acquire().await.unwrap(), slot(1, 2));
    eventually("it moved", async || lives.acquire().await.unwrap() == slot(0, 1)).await;
    // It only stood still, and takes a new place.
    assert_eq!(dead.acquire().await.unwrap(), slot(1, 2));
}
