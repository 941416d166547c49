//! Shutdown: overlays are notified, started work is finished, and no step exceeds its time limit.

use std::time::{Duration, Instant};

use crate::support::browser::Browser;
use crate::support::chat::Line;
use crate::support::server::{Server, Setup};
use crate::support::wire::Wire;
use crate::support::world::World;

#[tokio::test]
async fn a_stop_says_goodbye_and_ends_well() {
    let mut world = World::websocket().await;
    let streamer = world.log_in().await;
    let server = &mut world.server;
    let mut overlays = [streamer.open_overlay(server).await, streamer.open_overlay(server).await];
    for overlay in &mut overlays {
        overlay.next_value().await;
    }
    server.signal("TERM").await;
    for overlay in &mut overlays {
        let (code, reason) = overlay.wait_close().await;
        assert_eq!(code, 1001);
        assert!(!reason.is_empty(), "it says why");
    }
    drop(overlays);
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn while_it_stops_it_finishes_what_it_began_and_is_not_ready() {
    const ASK: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut server = with_webhook(|setup| setup).await;
    let mut probe = Wire::to(&server).await;
    probe.write(ASK).await;
    assert_eq!(probe.answer().await.unwrap().status, 200);
    // A request whose body is still on its way keeps the server from ending.
    let mut slow = half_a_request(&server).await;
    server.signal("TERM").await;
    assert!(server.log.says("stopping; a second signal").await);
    // A load balancer asks on a connection of its own, and must hear it.
    let mut balancer = Wire::to(&server).await;
    for wire in [&mut balancer, &mut probe] {
        wire.write(ASK).await;
        let answer = wire.answer().await.expect("it still answers, to say no");
        assert_eq!(answer.status, 503);
        assert!(answer.text.contains("\"unhealthy\""), "{answer:?}");
    }
    assert!(server.is_running());
    slow.write(b"345").await;
    let answer = slow.answer().await.expect("what was begun is answered");
    assert_eq!(answer.status, 400, "{answer:?}");
    drop((probe, balancer, slow));
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = with_webhook(|setup| setup).await;
    let _slow = half_a_request(&server).await;
    server.signal("TERM").await;
    assert!(server.log.says("stopping; a second signal").await);
    server.signal("INT").await;
    let (status, _) = server.ended().await;
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn a_stop_takes_no_longer_than_it_may() {
    for span in ["500ms", "3s"] {
        let mut server = with_webhook(|setup| setup.set("SHUTDOWN_TIMEOUT", span)).await;
        let _stuck = half_a_request(&server).await;
        server.signal("TERM").await;
        let asked_at = Instant::now();
        server.ended().await;
        let (took, allowed) = (asked_at.elapsed(), if span == "3s" { 3_000 } else { 500 });
        // Ending the process and hearing of it takes a moment too.
        assert!(took < Duration::from_millis(allowed + 700), "{span}: {took:?}");
    }
}

#[tokio::test]
async fn while_it_drains_it_serves_and_says_that_it_leaves() {
    let mut world = World::webhook_with(|setup| setup.set("SHUTDOWN_DRAIN", "1h")).await;
    let streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    let mut browser = Browser::at(&world.server);
    for path in ["/health/serving", "/health/ready"] {
        browser.get(path).await.expect(200);
    }
    world.server.signal("TERM").await;
    assert!(world.server.log.says("stopping; a second signal").await);
    for path in ["/health/serving", "/health/ready"] {
        // Kept answers do not hide it.
        let answer = browser.get(path).await.expect(503).json();
        assert_eq!(answer["status"], "unhealthy", "{path}");
    }
    browser.get("/health/live").await.expect(200);
    Line::new("ada", "yes").post().send(&world.server).await.expect(204);
    overlay.shows(|value| value > 5.0).await;
    let mut late = streamer.open_overlay(&world.server).await;
    late.next_value().await;
    // Nobody has to wait for it.
    world.server.signal("INT").await;
    let (status, _) = world.server.ended().await;
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn after_the_drain_it_stops_as_ever() {
    let mut server = with_webhook(|setup| setup.set("SHUTDOWN_DRAIN", "400ms")).await;
    let asked_at = Instant::now();
    server.signal("TERM").await;
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(asked_at.elapsed() >= Duration::from_millis(400));
    assert!(!log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn a_hangup_is_a_clean_stop() {
    let mut server = with_webhook(|setup| setup).await;
    server.signal("HUP").await;
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn a_hangup_that_nohup_ignores_is_ignored() {
    let mut server = with_webhook(|setup| setup.after("trap '' HUP")).await;
    server.signal("HUP").await;
    let live = server.http.get(server.url("/health/serving")).send().await.unwrap();
    assert_eq!(live.status(), 200);
    server.signal("TERM").await;
    let (status, _) = server.ended().await;
    assert_eq!(status.code(), Some(0));
}

async fn with_webhook(change: impl Fn(Setup) -> Setup) -> Server {
    Server::start_with(|port| change(crate::support::world::with_webhook(Setup::minimal(), port))).await
}

async fn half_a_request(server: &Server) -> Wire {
    let mut wire = Wire::to(server).await;
    wire.write(b"POST /webhooks/eventsub HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12").await;
    // It is being handled as soon as a later request on another connection has been.
    let live = server.http.get(server.url("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), 200);
    wire
}
