//! Operator endpoints: version, health, metrics and logs.

use reqwest::Method;
use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::chat::Line;
use crate::support::metrics::Metrics;
use crate::support::server::{Server, Setup, free_port};
use crate::support::world::{BOT, OTHER, STREAMER, World};

#[tokio::test]
async fn operators_are_told_what_runs_and_how_it_is() {
    let server = Server::start(Setup::minimal()).await;
    let mut browser = Browser::at(&server);
    let live = browser.get("/health/live").await.expect(200).json();
    assert_eq!(live["status"], "ok");
    assert!(live["uptime"].as_f64().unwrap() < 60.0);
    for path in ["/health/ready", "/health/startup"] {
        let ready = browser.get(path).await.expect(200).json();
        assert_eq!(ready["status"], "ready");
        assert!(!ready["checks"].as_object().unwrap().is_empty());
    }
    let version = browser.get("/version").await.expect(200).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    for key in ["commit", "built_at", "rustc"] {
        assert!(version[key].as_str().is_some_and(|text| !text.is_empty()), "{version}");
    }
}

#[tokio::test]
async fn metrics_may_want_a_token() {
    let server = Server::start(Setup::minimal().set("METRICS_TOKEN", "let me in")).await;
    let mut browser = Browser::at(&server);
    let refused = browser.get("/metrics").await.expect_problem(401);
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    let lower = browser.request(Method::GET, "/metrics").header("Authorization", "bearer let me in");
    browser.send(lower).await.expect(200);
    for wrong in ["Bearer let me", "Bearer ", "let me in", "Basic let me in", "Bearer let me in "] {
        let request = browser.request(Method::GET, "/metrics");
        let answer = browser.send(request.header("Authorization", wrong)).await;
        // White space at the end of a header is no part of it.
        let expected = if wrong.ends_with("in ") { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{wrong:?}");
    }
}

#[tokio::test]
async fn the_version_wants_the_token_too_and_health_does_not() {
    let server = Server::start(Setup::minimal().set("METRICS_TOKEN", "let me in")).await;
    let mut browser = Browser::at(&server);
    browser.get("/version").await.expect_problem(401);
    let version = browser.request(Method::GET, "/version").header("Authorization", "Bearer let me in");
    browser.send(version).await.expect(200);
    for path in ["/health/live", "/health/ready", "/health/startup", "/health/serving"] {
        browser.get(path).await.expect(200);
    }
}

#[tokio::test]
async fn operators_may_have_a_listener_of_their_own() {
    for token in [None, Some("a token for operators")] {
        let own = free_port().await;
        let setup = Setup::minimal().set("METRICS_ADDR", format!("127.0.0.1:{own}"));
        let server = Server::start(setup.set("METRICS_TOKEN", token.unwrap_or_default())).await;
        let mut public = Browser::at(&server);
        let at_own = async |path: &str, token: Option<&str>| {
            let request = server.http.get(format!("http://127.0.0.1:{own}{path}"));
            let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
            request.send().await.unwrap().status().as_u16()
        };
        for path in ["/metrics", "/version"] {
            public.get(path).await.expect(404);
            assert_eq!(at_own(path, token).await, 200, "{path}");
            let bare = if token.is_some() { 401 } else { 200 };
            assert_eq!(at_own(path, None).await, bare, "{path}");
        }
        for path in ["/health/live", "/health/ready", "/health/startup", "/health/serving"] {
            public.get(path).await.expect(200);
            assert_eq!(at_own(path, None).await, 200, "{path}");
        }
        for path in ["/", "/auth/login", "/dashboard", "/webhooks/eventsub", "/overlay/x"] {
            assert_eq!(at_own(path, token).await, 404, "{path}");
        }
        let (status, log) = server.stop().await;
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[tokio::test]
async fn a_taken_address_of_the_operators_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = taken.local_addr().unwrap().to_string();
    let ended = Setup::minimal().set("PORT", "0").set("METRICS_ADDR", own.as_str()).run().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&own) && ended.stderr.contains("METRICS_ADDR"), "{}", ended.stderr);
}

/// What a Solo instance promises to export: everything but Redis and its channels.
const FAMILIES: [(&str, &str); 42] = [
    ("broadcaster_active_sessions", "gauge"),
    ("broadcaster_connected_clients", "gauge"),
    ("broadcaster_tick_duration_seconds", "histogram"),
    ("broadcaster_slow_clients_evicted_total", "counter"),
    ("broadcaster_slow_ticks_total", "counter"),
    ("websocket_connections_current", "gauge"),
    ("websocket_connections_total", "counter"),
    ("websocket_connections_rejected_total", "counter"),
    ("websocket_connection_duration_seconds", "histogram"),
    ("websocket_ping_failures_total", "counter"),
    ("websocket_idle_disconnects_total", "counter"),
    ("websocket_unique_ips", "gauge"),
    ("vote_processing_total", "counter"),
    ("vote_processing_duration_seconds", "histogram"),
    ("vote_trigger_matches_total", "counter"),
    ("vote_to_broadcast_seconds", "histogram"),
    ("db_query_duration_seconds", "histogram"),
    ("db_connections_current", "gauge"),
    ("db_errors_total", "counter"),
    ("config_cache_hits_total", "counter"),
    ("config_cache_misses_total", "counter"),
    ("config_cache_entries", "gauge"),
    ("config_drift_detected_total", "counter"),
    ("config_drift_fixed_total", "counter"),
    ("orphan_cleanup_scans_total", "counter"),
    ("orphan_sessions_deleted_total", "counter"),
    ("orphan_sessions_skipped_total", "counter"),
    ("orphan_cleanup_duration_seconds", "histogram"),
    ("disconnected_sessions_count", "gauge"),
    ("is_leader", "gauge"),
    ("leader_elections_total", "counter"),
    ("instance_registry_size", "gauge"),
    ("circuit_breaker_state", "gauge"),
    ("circuit_breaker_state_changes_total", "counter"),
    ("eventsub_subscribe_attempts_total", "counter"),
    ("eventsub_setup_failures_total", "counter"),
    ("eventsub_shard_enabled", "gauge"),
    ("eventsub_notifications_total", "counter"),
    ("grant_checks_total", "counter"),
    ("http_requests_total", "counter"),
    ("http_request_duration_seconds", "histogram"),
    ("build_info", "gauge"),
];

#[tokio::test]
async fn every_family_is_exported_from_the_start_and_explained() {
    let server = Server::start(Setup::minimal()).await;
    // The first request of all.
    let metrics = Metrics::of(&server).await;
    let mut missing = Vec::new();
    for (family, kind) in FAMILIES {
        let sample = if kind == "histogram" { format!("{family}_count") } else { family.to_owned() };
        let has_series = metrics.series().any(|series| series.name == sample);
        let typed = metrics.text.contains(&format!("# TYPE {family} {kind}\n"));
        if !has_series || !typed {
            missing.push(family);
        }
    }
    assert!(missing.is_empty(), "{missing:?} in\n{}", metrics.text);
    for result in crate::support::world::RESULTS {
        assert_eq!(metrics.value("vote_processing_total", &[("result", result)]), 0.0);
    }
    let explained: Vec<&str> = metrics
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        .filter(|(_, words)| !words.is_empty())
        .map(|(name, _)| name)
        .collect();
    for series in metrics.series() {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| series.name.strip_suffix(end).filter(|name| explained.contains(name)))
            .unwrap_or(series.name);
        assert!(explained.contains(&family), "{family} has no HELP");
        assert!(metrics.text.contains(&format!("# TYPE {family} ")), "{family} has no TYPE");
    }
}

#[tokio::test]
async fn no_label_says_who() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    let line = Line::new("777001", "yes");
    line.post().send(&world.server).await.expect(204);
    streamer.test_vote("for").await.expect(200);
    streamer.reset().await;
    let page = format!("/overlay/{}", streamer.overlay);
    streamer.browser.get(&page).await.expect(200);
    streamer.browser.get("/some/made/up/path/777001").await.expect(404);
    let unknown = Method::from_bytes(b"BREW").unwrap();
    let request = streamer.browser.request(unknown, "/dashboard");
    streamer.browser.send(request).await;
    let old = streamer.overlay.clone();
    streamer.rotate().await;
    let metrics = world.metrics().await;
    let message = line.event["message_id"].as_str().unwrap();
    let secrets = [STREAMER, BOT, OTHER, "777001", &old, &streamer.overlay, message, "made", "BREW"];
    for series in metrics.series() {
        for (label, value) in &series.labels {
            for secret in secrets {
                assert!(!value.contains(secret), "{} {label}={value}", series.name);
            }
        }
    }
    let requests = |route| {
        metrics.value("http_requests_total", &[("route", route), ("method", "GET"), ("status", "200")])
    };
    assert!(requests("/overlay/{uuid}") >= 1.0);
    let log = world.server.log.text();
    for secret in [&old, &streamer.overlay, message, &streamer.csrf] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn no_level_brings_chat_or_secrets_into_the_log() {
    const WORDS: &str = "nobody-else-says-this";
    let world = World::websocket_with(|setup| setup.set("LOG_LEVEL", "trace")).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
    world.say("Ada", WORDS).await;
    world.say("Bob", "yes").await;
    overlay.shows(|value| value > 5.0).await;
    let log = world.server.log.text();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "our own lines are there");
    let session = &streamer.browser.cookies["chatpulse_session"];
    for secret in [WORDS, &streamer.overlay, session, crate::support::world::CLIENT_SECRET] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a secret is in the log");
    }
}

#[tokio::test]
async fn json_logs_are_one_object_a_line() {
    let server = Server::start(Setup::minimal().set("LOG_FORMAT", "json")).await;
    let (status, log) = server.stop().await;
    assert_eq!(status.code(), Some(0));
    assert!(log.lines().count() >= 2, "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
}
