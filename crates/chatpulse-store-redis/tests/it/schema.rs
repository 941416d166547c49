//! The keys and their TTL, as the reference lists them.

use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::window::Window;
use chatpulse_store_redis::{FencingTokens, Redis, RedisLive};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::redis::RedisServer;

use crate::support::config;

async fn connect(server: &RedisServer) -> RedisLive {
    let redis = Redis::connect(&config(server.url())).await.unwrap();
    RedisLive::new(redis, BucketLimit::new(100, 100), FencingTokens::default())
}

fn number(answer: &str) -> i64 {
    answer.trim().trim_start_matches(':').parse().unwrap()
}

#[tokio::test]
async fn a_vote_writes_these_keys_and_no_others() {
    let server = RedisServer::start();
    let live = connect(&server).await;
    let seed = SessionSeed { broadcaster: build::channel("42"), ..build::seed() };
    live.attach(&seed, &build::instance("host-1-abc"), 1).await.unwrap();
    let vote = build::vote(seed.overlay, Side::For);
    live.cast(&vote).await.unwrap();
    let tag = format!("{{{}}}", seed.overlay);
    let expected = [
        (format!("session:{tag}"), 3_600_000),
        (format!("ref_count:{tag}"), 3_600_000),
        (format!("debounce:{tag}:{}", vote.chatter), 1_000),
        (format!("rate_limit:votes:{tag}"), 300_000),
        (format!("seen:{tag}:{}", vote.message), 600_000),
        (format!("votes_last_minute:{tag}"), 60_000),
        ("broadcaster:42".to_owned(), 3_600_000),
        ("instance_sessions:host-1-abc:0".to_owned(), 3_600_000),
        ("sessions".to_owned(), 3_600_000),
    ];
    let keys = number(&server.ask(&["DBSIZE"]));
    assert_eq!(keys, 9);
    for (key, ttl_ms) in expected {
        let left = number(&server.ask(&["PTTL", &key]));
        assert!(left > 0 && left <= ttl_ms, "{key} has {left} ms left");
    }
    for field in ["value", "last_update", "broadcaster_user_id", "config_json", "config_version"] {
        assert_eq!(number(&server.ask(&["HEXISTS", &format!("session:{tag}"), field])), 1, "{field}");
    }
    live.release(seed.overlay, &build::instance("host-1-abc")).await.unwrap();
    assert_eq!(number(&server.ask(&["HEXISTS", &format!("session:{tag}"), "last_disconnect"])), 1);
    assert!(server.ask(&["ZRANGE", "disconnected_sessions", "0", "-1"]).contains(&seed.overlay.to_string()));
    assert!(number(&server.ask(&["PTTL", "disconnected_sessions"])) > 0, "every index expires");
}

/// Otherwise it would be forgotten, or found by nobody, before its twelve hours are over.
#[tokio::test]
async fn all_keys_of_a_share_that_counts_on_outlive_its_twelve_hours() {
    let server = RedisServer::start();
    let live = connect(&server).await;
    let settings = build::versioned(build::settings_with_share(Window::UntilReset, false), 1);
    let seed = SessionSeed { broadcaster: build::channel("42"), settings, ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
    live.release(seed.overlay, &build::instance("a")).await.unwrap();
    // Another session ends, whose entry expires earlier.
    let other = SessionSeed { broadcaster: build::channel("43"), ..build::seed() };
    live.attach(&other, &build::instance("a"), 1).await.unwrap();
    live.release(other.overlay, &build::instance("a")).await.unwrap();
    let twelve_hours = 43_200_000;
    for key in ["session:{}", "tally:{}", "broadcaster:42", "disconnected_sessions"] {
        let key = key.replace("{}", &format!("{{{}}}", seed.overlay));
        let left = number(&server.ask(&["PTTL", &key]));
        assert!(left > twelve_hours, "{key} has {left} ms left");
    }
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    let left = number(&server.ask(&["PTTL", &format!("session:{{{}}}", seed.overlay)]));
    assert!(left <= 3_600_000, "as any other while it is served: {left}");
}

#[tokio::test]
async fn a_vote_is_one_request() {
    let server = RedisServer::start();
    let live = connect(&server).await;
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
    server.ask(&["CONFIG", "RESETSTAT"]);
    for _ in 0..20 {
        live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
    }
    let stats = server.ask(&["INFO", "commandstats"]);
    assert!(stats.contains("cmdstat_fcall:calls=20,"), "{stats}");
    assert!(!stats.contains("cmdstat_publish"), "{stats}");
}

#[tokio::test]
async fn only_expiring_keys_are_left_of_a_deleted_session() {
    let server = RedisServer::start();
    let live = connect(&server).await;
    let seed = SessionSeed { broadcaster: build::channel("42"), ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    live.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
    live.release(seed.overlay, &build::instance("a")).await.unwrap();
    assert!(live.delete_orphan(seed.overlay, std::time::Duration::ZERO).await.unwrap());
    let tag = format!("{{{}}}", seed.overlay);
    for key in ["session", "ref_count", "rate_limit:votes", "votes_last_minute"] {
        assert_eq!(number(&server.ask(&["EXISTS", &format!("{key}:{tag}")])), 0, "{key}");
    }
    for key in ["disconnected_sessions", "sessions", "instance_sessions:a:0"] {
        assert_eq!(number(&server.ask(&["EXISTS", key])), 0, "{key}");
    }
    assert!(number(&server.ask(&["PTTL", "broadcaster:42"])) <= 300_000);
}
