//! `chatpulse demo`: runs without any configuration.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use crate::support::browser::{Browser, path_of};
use crate::support::overlay::Overlay;
use crate::support::server::{Server, Setup, free_port};
use crate::support::streamer::{Streamer, between};

/// From the command to the dashboard.
const PROMISED: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_demo_shows_everything_and_leaves_nothing() {
    let port = free_port().await;
    let setup = misleading_setup(port);
    let started = Instant::now();
    let mut demo = Server::launch(setup.clone(), port);
    assert!(demo.stdout.says("Ctrl-C").await, "{}", demo.log.text());
    let said = demo.stdout.text();
    let dashboard = format!("http://127.0.0.1:{port}/dashboard");
    assert!(said.contains(&dashboard), "{said}");
    let overlay = between(&said, "/overlay/", "\n").trim().to_owned();

    let mut browser = Browser::at(&demo);
    let page = log_in(&mut browser).await;
    assert!(started.elapsed() < PROMISED, "{:?}", started.elapsed());
    assert!(page.contains(&overlay), "the printed overlay is this streamer's");

    let mut socket = Overlay::open(&demo, &overlay).await;
    let first = socket.next_value().await;
    let moved = socket.shows(|value| value.abs() > 0.5 && (value - first).abs() > 0.5).await;
    assert!(started.elapsed() < PROMISED, "it moved after {:?}: {moved:?}", started.elapsed());
    let mut streamer = Streamer::at_dashboard(browser).await;
    streamer.chat_becomes("reading").await;

    drop(socket);
    demo.signal("INT").await;
    let (status, log) = demo.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    let left: Vec<_> =
        fs::read_dir(setup.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".env"], "nothing is kept");
    assert_eq!(log, "", "nothing was worth a word");
}

/// A setup with settings that would stop a server. A demo reads none of them.
fn misleading_setup(port: u16) -> Setup {
    let setup = Setup::bare()
        .set("PORT", "1")
        .set("LOG_LEVEL", "loud")
        .set("APP_ENV", "production")
        .set("DATABASE_URL", "mysql://nowhere")
        .set("BOT_USER_ID", "5")
        // Everything in the demo is on this machine: it needs no certificate.
        .set("SSL_CERT_FILE", "/nonexistent")
        .set("SSL_CERT_DIR", "/nonexistent")
        .arguments(&[
            "demo",
            "--port",
            &port.to_string(),
            "--messages-per-second",
            "40",
            "--chatters",
            "30",
            "--seed",
            "7",
        ]);
    fs::write(setup.folder().join(".env"), "nonsense without an equals sign\n").unwrap();
    setup
}

/// Follows every redirect and presses the login button, until the dashboard is there.
async fn log_in(browser: &mut Browser) -> String {
    let mut path = "/dashboard".to_owned();
    loop {
        let answer = browser.get(&path).await;
        if answer.status == 200 && path == "/dashboard" {
            return answer.body;
        }
        let next = if path == "/auth/login" {
            between(&answer.expect(200).body, "button-twitch\" href=\"", "\"").to_owned()
        } else {
            answer.expect(302).location().to_owned()
        };
        path = if next.starts_with('/') {
            next
        } else {
            path_of(browser.visit(&next).await.expect(302).location())
        };
    }
}

#[tokio::test]
async fn a_demo_that_cannot_be_is_refused() {
    for wrong in
        [["demo", "--chatters", "0"], ["demo", "--messages-per-second", "-1"], ["demo", "--port", "70000"]]
    {
        let ended = Setup::bare().arguments(&wrong).run().await;
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.stderr);
    }
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Setup::bare().arguments(&["demo", "--port", &port]).run().await;
    assert_eq!(ended.code, Some(1));
    let said = &ended.stderr;
    assert!(said.contains("is taken") && said.contains("--port"), "{said}");
    assert!(!said.contains("PORT"), "the demo reads no environment: {said}");
}
