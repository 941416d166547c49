//! Values that we never wrote: odd for their session, and for no other.

use std::time::Duration;

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::VoteOutcome;
use chatpulse_store_redis::{FencingTokens, Redis, RedisLive};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::RedisServer;

use crate::support::config;

async fn two_sessions(server: &RedisServer) -> (RedisLive, SessionSeed, SessionSeed) {
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    let live = RedisLive::new(redis, None, FencingTokens::default());
    let seed = || SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    let (odd, whole) = (seed(), seed());
    for seed in [&odd, &whole] {
        live.attach(seed, &build::instance("a"), 1).await.unwrap();
    }
    (live, odd, whole)
}

#[tokio::test]
async fn an_odd_session_harms_no_other_and_does_not_open_the_breaker() {
    let server = RedisServer::start();
    let (live, odd, whole) = two_sessions(&server).await;
    let key = format!("session:{{{}}}", odd.overlay);
    for value in ["nan", "inf", "101", "10 apples", ""] {
        server.ask(&["HSET", &key, "value", value]);
        for _ in 0..3 {
            let cast = live.cast(&build::vote(odd.overlay, Side::For)).await;
            assert!(
                matches!(cast, Err(StoreError::Corrupt { place: "session.value", .. })),
                "{value:?}: {cast:?}"
            );
        }
        let readings = live.read(&[odd.overlay, whole.overlay]).await.unwrap();
        assert!(readings[0].is_none() && readings[1].is_some());
    }
    let cast = live.cast(&build::vote(whole.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
    assert!(live.reset(odd.overlay).await.unwrap(), "a reset mends it");
    let cast = live.cast(&build::vote(odd.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
}

#[tokio::test]
async fn a_missing_field_or_another_type_is_corrupt_for_that_session() {
    let server = RedisServer::start();
    let (live, odd, whole) = two_sessions(&server).await;
    let key = format!("session:{{{}}}", odd.overlay);
    server.ask(&["HSET", &key, "config_json", "[]"]);
    assert!(matches!(live.find(&odd.broadcaster).await, Err(StoreError::Corrupt { .. })));
    server.ask(&["HDEL", &key, "decay_speed"]);
    let cast = live.cast(&build::vote(odd.overlay, Side::For)).await;
    assert!(matches!(cast, Err(StoreError::Corrupt { place: "session.decay_speed", .. })));
    server.ask(&["DEL", &key]);
    server.ask(&["SET", &key, "text"]);
    // Far more than would open the breaker, if refusals counted.
    for _ in 0..100 {
        let cast = live.cast(&build::vote(odd.overlay, Side::For)).await;
        assert!(matches!(cast, Err(StoreError::Corrupt { .. })), "{cast:?}");
    }
    let cast = live.cast(&build::vote(whole.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
}

#[tokio::test]
async fn nonsense_in_the_indices_is_skipped() {
    let server = RedisServer::start();
    let (live, _, whole) = two_sessions(&server).await;
    server.ask(&["ZADD", "disconnected_sessions", "1", "nonsense"]);
    server.ask(&["ZADD", "disconnected_sessions", "1", &whole.overlay.to_string()]);
    assert_eq!(live.orphans(Duration::ZERO).await.unwrap(), []);
    let left = server.ask(&["ZRANGE", "disconnected_sessions", "0", "-1"]);
    assert!(!left.contains(&whole.overlay.to_string()), "a false entry is dropped");
    server.ask(&["SET", &format!("broadcaster:{}", whole.broadcaster), "nonsense"]);
    assert!(matches!(live.find(&whole.broadcaster).await, Err(StoreError::Corrupt { .. })));
}
