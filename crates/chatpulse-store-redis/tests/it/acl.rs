//! The user that `docs/operations/fleet.md` says how to create may do everything that the adapters do.

use std::time::Duration;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::shard_leases::ShardLeases;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals};
use chatpulse_domain::session::SessionSeed;
use chatpulse_store_redis::{FunctionsCheck, Redis, RedisShards, RedisSignals};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract;
use chatpulse_testkit::servers::redis::RedisServer;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::{Instance, World, config};

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_user_may_do_everything() {
    let server = RedisServer::start();
    let url = server.create_documented_user();
    let world = World::on(&url).await;
    contract::votes::holds(async |limit| world.live(limit)).await;
    contract::sessions::holds(async |limit| world.live(limit)).await;

    let redis = Redis::connect(&config(&url)).await.unwrap();
    redis.check().await.unwrap();
    FunctionsCheck(redis.clone()).check().await.unwrap();
    let (one, other) = (Instance::new(&redis, "one"), Instance::new(&redis, "other"));
    for instance in [&one, &other] {
        instance.registry.heartbeat().await.unwrap();
    }
    assert!(one.leadership.acquire().await.unwrap() && one.leadership.is_leader().await);
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    other.live.attach(&seed, &other.id, 1).await.unwrap();
    one.registry.release_dead().await.unwrap();
    one.registry.deregister().await.unwrap();
    one.leadership.release().await;
    let shards = RedisShards::new(redis.clone(), one.id.clone());
    shards.acquire().await.unwrap();
    shards.release().await.unwrap();

    let tick = Duration::from_millis(50);
    let (signals, worker) = RedisSignals::connect(&redis, one.id.clone(), tick).await.unwrap();
    let (elsewhere, other_worker) = RedisSignals::connect(&redis, other.id, tick).await.unwrap();
    for worker in [worker, other_worker] {
        tokio::spawn(worker.run(CancellationToken::new()));
    }
    let mut heard = elsewhere.subscribe();
    let signal = Signal::OverlayRotated(seed.overlay);
    // A signal from before the subscription stands is heard by nobody.
    let arrival = async {
        loop {
            signals.publish(signal.clone());
            let next = timeout(Duration::from_millis(200), heard.next()).await;
            if next.is_ok_and(|heard| heard == Heard::Signal(signal.clone())) {
                break;
            }
        }
    };
    timeout(Duration::from_secs(10), arrival).await.expect("no signal arrived");
    assert_eq!(server.denied(), "", "nothing was tried in vain");
}
