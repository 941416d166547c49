//! The metrics of this crate.

use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::secret::Secret;
use chatpulse_domain::side::Side;
use chatpulse_store_redis::{Probe, Redis, RedisConfig, RedisSignals};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::RedisServer;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio_util::sync::CancellationToken;

use crate::support::{Instance, eventually};

#[tokio::test]
async fn every_family_is_recorded() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let rendered = || recorder.handle().render();
    let mut server = RedisServer::start();
    let redis = Redis::connect(&RedisConfig::new(Secret::new(server.url()))).await.unwrap();
    let instance = Instance::new(&redis, "a");
    let (signals, worker) =
        RedisSignals::connect(&redis, instance.id.clone(), Duration::from_millis(50)).await.unwrap();
    tokio::spawn(worker.run(CancellationToken::new()));
    tokio::spawn(Probe::new(redis.clone()).run(CancellationToken::new()));

    let vote = build::vote(OverlayId::random(), Side::For);
    instance.live.cast(&vote).await.unwrap();
    instance.registry.heartbeat().await.unwrap();
    assert!(instance.leadership.acquire().await.unwrap());
    signals.publish(Signal::OverlayRotated(vote.overlay));
    for line in [
        "redis_operations_total{operation=\"cast\",status=\"ok\"} 1",
        "is_leader{key=\"cleanup:leader\"} 1",
        "leader_elections_total{key=\"cleanup:leader\"} 1",
        "instance_registry_size 1",
        "circuit_breaker_state{component=\"redis\"} 0",
        "redis_pool_connections_current{state=\"connected\"} 2",
        "pubsub_messages_received_total{channel=\"overlay:rotated\"} 1",
        "redis_operation_duration_seconds_count",
    ] {
        eventually(line, async || rendered().contains(line)).await;
    }

    server.kill();
    eventually("the breaker opens", async || {
        let _ = instance.live.cast(&vote).await;
        rendered().contains("circuit_breaker_state{component=\"redis\"} 2")
    })
    .await;
    for line in [
        "circuit_breaker_state_changes_total{component=\"redis\",to=\"open\"}",
        "redis_operations_total{operation=\"cast\",status=\"breaker_open\"}",
        "redis_pool_connections_current{state=\"disconnected\"} 2",
    ] {
        eventually(line, async || {
            let _ = instance.live.cast(&vote).await;
            rendered().contains(line)
        })
        .await;
    }
    eventually("connection errors are counted", async || {
        let rendered = rendered();
        let line = rendered.lines().find(|line| line.starts_with("redis_connection_errors_total "));
        line.is_some_and(|line| !line.ends_with(" 0"))
    })
    .await;
}
