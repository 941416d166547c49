//! Values that ChatPulse never writes: an error for their session, and for no other.

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
    let (malformed, intact) = (seed(), seed());
    for seed in [&malformed, &intact] {
        live.attach(seed, &build::instance("a"), 1).await.unwrap();
    }
    (live, malformed, intact)
}

#[tokio::test]
async fn a_malformed_session_does_not_affect_others_or_the_breaker() {
    let server = RedisServer::start();
    let (live, malformed, intact) = two_sessions(&server).await;
    let key = format!("session:{{{}}}", malformed.overlay);
    for value in ["nan", "inf", "101", "10 apples", ""] {
        server.ask(&["HSET", &key, "value", value]);
        for _ in 0..3 {
            let cast = live.cast(&build::vote(malformed.overlay, Side::For)).await;
            assert!(
                matches!(cast, Err(StoreError::Corrupt { place: "session.value", .. })),
                "{value:?}: {cast:?}"
            );
        }
        let readings = live.read(&[malformed.overlay, intact.overlay]).await.unwrap();
        assert!(readings[0].is_none() && readings[1].is_some());
    }
    let cast = live.cast(&build::vote(intact.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
    assert!(live.reset(malformed.overlay).await.unwrap(), "a reset replaces the value");
    let cast = live.cast(&build::vote(malformed.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
}

#[tokio::test]
async fn a_missing_field_or_a_key_of_another_type_is_corrupt_for_that_session() {
    let server = RedisServer::start();
    let (live, malformed, intact) = two_sessions(&server).await;
    let key = format!("session:{{{}}}", malformed.overlay);
    server.ask(&["HSET", &key, "config_json", "[]"]);
    assert!(matches!(live.find(&malformed.broadcaster).await, Err(StoreError::Corrupt { .. })));
    server.ask(&["HDEL", &key, "decay_speed"]);
    let cast = live.cast(&build::vote(malformed.overlay, Side::For)).await;
    assert!(matches!(cast, Err(StoreError::Corrupt { place: "session.decay_speed", .. })));
    server.ask(&["DEL", &key]);
    server.ask(&["SET", &key, "text"]);
    // Far more than would open the breaker if such errors counted.
    for _ in 0..100 {
        let cast = live.cast(&build::vote(malformed.overlay, Side::For)).await;
        assert!(matches!(cast, Err(StoreError::Corrupt { .. })), "{cast:?}");
    }
    let cast = live.cast(&build::vote(intact.overlay, Side::For)).await.unwrap();
    assert!(matches!(cast, VoteOutcome::Applied(_)));
}

#[tokio::test]
async fn malformed_index_entries_are_skipped() {
    let server = RedisServer::start();
    let (live, _, intact) = two_sessions(&server).await;
    server.ask(&["ZADD", "disconnected_sessions", "1", "nonsense"]);
    server.ask(&["ZADD", "disconnected_sessions", "1", &intact.overlay.to_string()]);
    assert_eq!(live.orphans(Duration::ZERO).await.unwrap(), []);
    let left = server.ask(&["ZRANGE", "disconnected_sessions", "0", "-1"]);
    assert!(!left.contains(&intact.overlay.to_string()), "a stale entry is removed");
    server.ask(&["SET", &format!("broadcaster:{}", intact.broadcaster), "nonsense"]);
    assert!(matches!(live.find(&intact.broadcaster).await, Err(StoreError::Corrupt { .. })));
}
