//! Signals between instances: delivery, gaps after a lost subscription, and the rate of changes of a bar.

use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Heard, Signal, SignalStream, Signals};
use chatpulse_domain::session::SessionSeed;
use chatpulse_store_redis::{FencingTokens, Probe, Redis, RedisLive, RedisSignals};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract;
use chatpulse_testkit::servers::redis::{RedisCluster, RedisServer};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::config;

const TICK: Duration = Duration::from_millis(50);

/// Signals whose worker runs until the runtime ends.
async fn signals(redis: &Redis) -> RedisSignals {
    let origin = build::instance(&format!("instance-{}", OverlayId::random()));
    let (signals, worker) = RedisSignals::connect(redis, origin, TICK).await.unwrap();
    tokio::spawn(worker.run(CancellationToken::new()));
    signals
}

async fn next(stream: &mut Box<dyn SignalStream>) -> Heard {
    timeout(Duration::from_secs(10), stream.next()).await.expect("no signal arrived")
}

async fn connect(url: &str) -> Redis {
    Redis::connect(&config(url)).await.unwrap()
}

/// Redis has channels in common for all databases, and keys not.
#[tokio::test]
async fn deployments_on_two_databases_of_one_server_share_neither_keys_nor_signals() {
    let server = RedisServer::start();
    let numbers = ["0", "0", "1", "1"];
    let mut deployments = Vec::new();
    for number in numbers {
        let redis = connect(&format!("{}/{number}", server.url())).await;
        deployments.push((signals(&redis).await, RedisLive::new(redis, None, FencingTokens::default())));
    }
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    deployments[2].1.attach(&seed, &build::instance("a"), 1).await.unwrap();
    for ((_, live), number) in deployments.iter().zip(numbers) {
        let found = live.find(&seed.broadcaster).await.unwrap().is_some();
        assert_eq!(found, number == "1", "the session is in database 1, and this is {number}");
    }
    let mut heard: Vec<_> = deployments.iter().map(|(signals, _)| signals.subscribe()).collect();
    let (of_zero, of_one) =
        (Signal::OverlayRotated(OverlayId::random()), Signal::OverlayRotated(seed.overlay));
    // Whoever heard the other deployment would hear its signal first.
    deployments[0].0.publish(of_zero.clone());
    deployments[2].0.publish(of_one.clone());
    for (stream, number) in heard.iter_mut().zip(numbers) {
        let own = if number == "0" { &of_zero } else { &of_one };
        assert_eq!(next(stream).await, Heard::Signal(own.clone()));
    }
    let (last_of_zero, last_of_one) =
        (Signal::OverlayRotated(OverlayId::random()), Signal::OverlayRotated(OverlayId::random()));
    deployments[1].0.publish(last_of_zero.clone());
    deployments[3].0.publish(last_of_one.clone());
    for (stream, number) in heard.iter_mut().zip(numbers) {
        let own = if number == "0" { &last_of_zero } else { &last_of_one };
        assert_eq!(
            next(stream).await,
            Heard::Signal(own.clone()),
            "nothing of the other deployment in between"
        );
    }
}

#[tokio::test]
async fn signals_keep_the_contract() {
    let server = RedisServer::find();
    let redis = connect(server.url()).await;
    contract::signals::holds(async || signals(&redis).await).await;
}

async fn another_instance_receives_every_kind_once(url: &str) {
    let (here, there) = (connect(url).await, connect(url).await);
    let (here, there) = (signals(&here).await, signals(&there).await);
    let (mut own, mut others) = (here.subscribe(), there.subscribe());
    let (overlay, broadcaster) = (OverlayId::random(), build::fresh_channel());
    let all = [
        Signal::SentimentChanged(overlay),
        Signal::SettingsChanged { overlay, broadcaster: broadcaster.clone() },
        Signal::SessionChanged(broadcaster),
        Signal::OverlayRotated(overlay),
    ];
    for signal in &all {
        here.publish(signal.clone());
        assert_eq!(next(&mut own).await, Heard::Signal(signal.clone()));
        assert_eq!(next(&mut others).await, Heard::Signal(signal.clone()));
    }
    // A signal that came twice would arrive before this one.
    let last = Signal::OverlayRotated(OverlayId::random());
    there.publish(last.clone());
    assert_eq!(next(&mut own).await, Heard::Signal(last.clone()));
    assert_eq!(next(&mut others).await, Heard::Signal(last));
}

#[tokio::test]
async fn another_instance_receives_every_kind_once_through_a_server() {
    let server = RedisServer::start();
    another_instance_receives_every_kind_once(server.url()).await;
}

#[tokio::test]
async fn another_instance_receives_every_kind_once_through_a_cluster() {
    let cluster = RedisCluster::start();
    another_instance_receives_every_kind_once(&cluster.url()).await;
}

#[tokio::test]
async fn a_changing_bar_is_published_once_a_tick() {
    let server = RedisServer::start();
    let (here, there) = (connect(server.url()).await, connect(server.url()).await);
    let (here, there) = (signals(&here).await, signals(&there).await);
    let mut others = there.subscribe();
    let changing = OverlayId::random();
    for _ in 0..500 {
        here.publish(Signal::SentimentChanged(changing));
    }
    assert_eq!(next(&mut others).await, Heard::Signal(Signal::SentimentChanged(changing)));
    assert_eq!(
        next(&mut others).await,
        Heard::Signal(Signal::SentimentChanged(changing)),
        "the last of the tick"
    );
    let last = Signal::OverlayRotated(OverlayId::random());
    here.publish(last.clone());
    assert_eq!(next(&mut others).await, Heard::Signal(last), "no further changes");
}

#[tokio::test]
async fn a_lost_subscription_is_a_gap_and_later_signals_arrive() {
    let server = RedisServer::start();
    let (here, there) = (connect(server.url()).await, connect(server.url()).await);
    let (here, there) = (signals(&here).await, signals(&there).await);
    let mut others = there.subscribe();
    server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(next(&mut others).await, Heard::Gap);
    let signal = Signal::OverlayRotated(OverlayId::random());
    here.publish(signal.clone());
    assert_eq!(next(&mut others).await, Heard::Signal(signal));
}

#[tokio::test]
async fn an_outage_and_its_end_are_gaps() {
    let server = RedisServer::start();
    let redis = Redis::connect(&chatpulse_store_redis::RedisConfig::new(
        chatpulse_domain::secret::Secret::new(server.url()),
    ))
    .await
    .unwrap();
    let signals = signals(&redis).await;
    tokio::spawn(Probe::new(redis.clone()).run(CancellationToken::new()));
    let mut stream = signals.subscribe();
    let mut reachable = redis.reachable();
    server.pause();
    timeout(Duration::from_secs(5), reachable.wait_for(|is_reachable| !is_reachable)).await.unwrap().unwrap();
    assert_eq!(next(&mut stream).await, Heard::Gap);
    server.resume();
    timeout(Duration::from_secs(5), reachable.wait_for(|is_reachable| *is_reachable)).await.unwrap().unwrap();
    assert_eq!(next(&mut stream).await, Heard::Gap);
}

#[tokio::test]
async fn malformed_messages_are_skipped() {
    let server = RedisServer::start();
    let redis = connect(server.url()).await;
    let signals = signals(&redis).await;
    let mut stream = signals.subscribe();
    for nonsense in ["", "nonsense", "a b", "a b c d"] {
        server.ask(&["PUBLISH", "config:invalidate", nonsense]);
    }
    let overlay = OverlayId::random();
    server.ask(&["PUBLISH", "overlay:rotated", &format!("somebody {overlay}")]);
    assert_eq!(next(&mut stream).await, Heard::Signal(Signal::OverlayRotated(overlay)));
}
