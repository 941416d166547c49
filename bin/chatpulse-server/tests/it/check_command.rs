//! `chatpulse check`: reports what works, what does not, and how to correct it.

use std::fs;

use chatpulse_twitch_sim::{Sim, SimConfig};
use serde_json::Value;

use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::server::{Finished, Server, Setup};
use crate::support::streamer::Streamer;
use crate::support::world::{STREAMER, setup_for, sim_config, with_webhook};

#[tokio::test]
async fn check_says_what_works() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("PORT", "0").arguments(&["check"]);
    let fine = setup.run().await;
    assert_eq!(fine.code, Some(0), "{}{}", fine.stdout, fine.stderr);
    assert!(fine.stdout.contains("ChatPulse can start."), "{}", fine.stdout);
    let left: Vec<_> = fs::read_dir(setup.folder()).unwrap().collect();
    assert!(left.is_empty(), "it only looks: {left:?}");

    let json = setup.clone().arguments(&["check", "--json"]).run().await;
    assert_eq!(json.code, Some(0));
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(report["ok"], true);
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in ["configuration", "database", "Twitch credentials"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[tokio::test]
async fn check_says_where_the_first_start_would_fail() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("PORT", "0").arguments(&["check", "--json"]);
    fs::write(setup.folder().join("file"), "not a folder").unwrap();
    fs::create_dir(setup.folder().join("data")).unwrap();
    fs::write(setup.folder().join("data/chatpulse.db.secret"), "short").unwrap();
    let failed = async |setup: Setup, name: &str| {
        let Finished { code, stdout, .. } = setup.run().await;
        let report: Value = serde_json::from_str(&stdout).unwrap();
        let rows = report["checks"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {stdout}"));
        assert_eq!((code, &row["status"]), (Some(1), &"failed".into()), "{stdout}");
    };
    for place in ["file/below.db", "/proc/nowhere/x.db"] {
        failed(setup.clone().set("DATABASE_URL", format!("sqlite://{place}")), "database").await;
    }
    let server = Server::start(setup_for(&sim).set("SESSION_SECRET", "given")).await;
    let started = server.setup().clone();
    server.stop().await;
    fs::write(started.folder().join("data/chatpulse.db.secret"), "short").unwrap();
    failed(started.set("SESSION_SECRET", "").arguments(&["check", "--json"]), "session secret").await;
}

#[tokio::test]
async fn check_says_what_does_not_work_and_what_to_do() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("PORT", "0").arguments(&["check", "--json"]);
    let failing = [
        setup.clone().set("TWITCH_CLIENT_SECRET", "wrong-one"),
        setup.clone().set("TWITCH_AUTH_URL", "http://127.0.0.1:9/oauth2"),
        setup.clone().set("DATABASE_URL", "sqlite://./not-a-database"),
    ];
    fs::write(setup.folder().join("not-a-database"), "hello").unwrap();
    for setup in failing {
        let Finished { code, stdout, .. } = setup.run().await;
        assert_eq!(code, Some(1), "{stdout}");
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(report["ok"], false);
        let failed =
            report["checks"].as_array().unwrap().iter().find(|check| check["status"] == "failed").unwrap();
        assert!(!failed["action"].as_str().unwrap().is_empty(), "{stdout}");
        assert!(!stdout.contains("wrong-one"));
    }
    let Finished { code, .. } = setup.set("LOG_FORMAT", "xml").run().await;
    assert_eq!(code, Some(2));
}

/// Runs `check` and returns its exit code and this row.
async fn row(setup: Setup, name: &str) -> (Option<i32>, Value) {
    let Finished { code, stdout, stderr } = setup.arguments(&["check", "--json"]).run().await;
    let report: Value =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    let rows = report["checks"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}: {stdout}"));
    (code, row.clone())
}

#[track_caller]
fn is_failure((code, row): &(Option<i32>, Value), words: &str) {
    assert_eq!((*code, &row["status"]), (Some(1), &"failed".into()), "{row}");
    assert!(row["found"].as_str().unwrap().contains(words), "{words:?} is not in {row}");
    assert!(!row["action"].as_str().unwrap().is_empty(), "{row}");
}

/// No file may become larger than 64 KiB, as on a disk that is nearly full.
const NEARLY_FULL: &str = "trap '' XFSZ; ulimit -f 128";

#[tokio::test]
async fn check_notices_that_the_disk_is_full() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("PORT", "0");
    is_failure(&row(setup.clone().after(NEARLY_FULL), "database").await, "cannot be made");
    let server = Server::start(setup_for(&sim)).await;
    let started = server.setup().clone().set("PORT", "0");
    server.stop().await;
    assert_eq!(row(started.clone(), "database").await.1["status"], "ok");
    is_failure(&row(started.after(NEARLY_FULL), "database").await, "chatpulse.db");
}

#[tokio::test]
async fn check_notices_a_socket_that_cannot_be_opened_where_it_is_needed() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).set("PORT", "0");
    assert_eq!(row(setup.clone(), "EventSub socket").await.1["status"], "ok");
    let blocked = setup.set("TWITCH_EVENTSUB_WS_URL", "ws://127.0.0.1:9/ws");
    is_failure(&row(blocked.clone(), "EventSub socket").await, "127.0.0.1:9");
    let by_webhook = with_webhook(blocked, 8080).arguments(&["check"]).run().await;
    assert!(!by_webhook.stdout.contains("EventSub socket"), "{}", by_webhook.stdout);
    assert_eq!(by_webhook.code, Some(0), "{}", by_webhook.stdout);
}

#[tokio::test]
async fn a_wrong_clock_fails_the_check_and_is_on_the_dashboard() {
    for (ahead, words) in [(1_200, "20 minutes behind"), (-1_200, "20 minutes ahead"), (240, "")] {
        let sim = Sim::start(SimConfig { dates_ahead_secs: ahead, ..sim_config() }).await.unwrap();
        let found = row(setup_for(&sim).set("PORT", "0"), "clock").await;
        let server = Server::start_with(|port| with_webhook(setup_for(&sim), port)).await;
        let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
        if words.is_empty() {
            assert_eq!(found.1["status"], "ok");
            assert!(!streamer.browser.get("/dashboard").await.body.contains("data-clock-notice"));
            continue;
        }
        is_failure(&found, words);
        eventually("the dashboard says it", async || {
            let page = streamer.browser.get("/dashboard").await.body;
            (page.contains("data-clock-notice") && page.contains(words)).then_some(())
        })
        .await;
        assert!(server.log.text().contains(words), "{}", server.log.text());
    }
}

#[tokio::test]
async fn check_notices_a_port_that_another_program_has() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    is_failure(&row(setup_for(&sim).set("PORT", port), "listener").await, "cannot be opened");
    let server = Server::start(setup_for(&sim)).await;
    let (_, beside) = row(server.setup().clone(), "listener").await;
    assert_eq!(beside["status"], "ok", "a server that runs may be checked: {beside}");
}

#[tokio::test]
async fn check_repeats_what_redis_says_against_writes() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await;
    fleet.add_instances(1).await;
    let setup = fleet.instances.pop().unwrap();
    let checked = setup.setup().clone().set("PORT", "0");
    setup.stop().await;
    assert_eq!(row(checked.clone(), "redis").await.1["status"], "ok");
    fleet.redis.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    is_failure(&row(checked.clone(), "redis").await, "NOREPLICAS");
    fleet.redis.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    fleet.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    is_failure(&row(checked.clone(), "redis").await, "OOM");
    fleet.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    fleet.redis.ask(&["DEL", "instances"]);
    fleet.redis.ask(&["SET", "instances", "of another program"]);
    is_failure(&row(checked, "redis keys").await, "`instances` is a string");
}

#[tokio::test]
async fn check_notices_a_database_that_only_reads() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await;
    fleet.add_instances(1).await;
    let server = fleet.instances.pop().unwrap();
    let checked = server.setup().clone().set("PORT", "0");
    server.stop().await;
    assert_eq!(row(checked.clone(), "database").await.1["status"], "ok");
    assert_eq!(row(checked.clone(), "database clock").await.1["status"], "ok");
    let by_hand = fleet.database.connect().await;
    let name: String = by_hand.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    let only_read = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on");
    by_hand.batch_execute(&only_read).await.unwrap();
    is_failure(&row(checked, "database").await, "read-only");
}
