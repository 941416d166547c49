//! The contracts of votes and sessions, on one server and on a cluster, and the cost of a vote in a big chat.

use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::contract::{self, agreement, share_cost};
use chatpulse_testkit::fakes::FakeLive;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::TestRunner;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn votes_keep_the_contract() {
    let server = RedisServer::find();
    let world = World::on(server.url()).await;
    contract::votes::holds(async |limit| world.live(limit)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_keep_the_contract() {
    let server = RedisServer::find();
    let world = World::on(server.url()).await;
    contract::sessions::holds(async |limit| world.live(limit)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_the_contracts() {
    let cluster = RedisCluster::start();
    let world = World::on(&cluster.url()).await;
    contract::votes::holds(async |limit| world.live(limit)).await;
    contract::sessions::holds(async |limit| world.live(limit)).await;
    world.end().await;
}

/// Uses a server of its own, since the steps move its time far ahead.
#[test]
fn redis_agrees_with_process_memory_on_any_steps() {
    let server = RedisServer::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::on(server.url()));
    let cases = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) };
    let random = (agreement::steps(80), 0_u32..6, 0_u32..200);
    let agreed = TestRunner::new(cases).run(&random, |(steps, capacity, per_minute)| {
        let limit = BucketLimit::new(capacity, per_minute);
        let memory = FakeLive::new(TestClock::at(world.clock.unix_ms()), limit).into();
        runtime.block_on(agreement::agree(&memory, &world.live(limit), &steps));
        Ok(())
    });
    agreed.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_among_many_costs_no_more_than_one_among_few() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let ratio = share_cost::is_the_same_for_many_votes(&world.live(None)).await;
    println!("a vote among 100,000 costs {ratio:.2} times one among 100");
    world.end().await;
}
