//! `chatpulse check`: reports what works, what does not, and how to correct it.

use std::fs;

use chatpulse_twitch_sim::Sim;
use serde_json::Value;

use crate::support::server::{Finished, Server, Setup};
use crate::support::world::{setup_for, sim_config};

#[tokio::test]
async fn check_says_what_works() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim).arguments(&["check"]);
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
    let setup = setup_for(&sim).arguments(&["check", "--json"]);
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
    let setup = setup_for(&sim).arguments(&["check", "--json"]);
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
