//! The overlay's address: who gets in, what closes it, what a new one does to the old.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::support::chat::Line;
use crate::support::eventually;
use crate::support::overlay::{Overlay, Told};
use crate::support::server::{Server, Setup};
use crate::support::streamer::{Form, Streamer};
use crate::support::wire::Wire;
use crate::support::world::{OTHER, World};

fn socket(streamer: &Streamer) -> String {
    format!("/ws/overlay/{}", streamer.overlay)
}

#[tokio::test]
async fn a_reset_puts_every_overlay_to_exactly_zero() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut overlays =
        [streamer.open_overlay(&world.server).await, streamer.open_overlay(&world.server).await];
    streamer.test_vote("for").await.expect(200);
    for overlay in &mut overlays {
        overlay.shows(|value| value > 2.0).await;
    }
    streamer.reset().await;
    for overlay in &mut overlays {
        assert_eq!(overlay.next_value().await, 0.0);
    }
}

#[tokio::test]
async fn the_token_may_come_as_a_field_too() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let (path, csrf) = (format!("/api/reset/{}", streamer.overlay), streamer.csrf.clone());
    streamer.browser.post(&path, &[("csrf_token", "nonsense")]).await.expect_problem(403);
    streamer.browser.post(&path, &[]).await.expect_problem(403);
    streamer.browser.post(&path, &[("csrf_token", &csrf)]).await.expect(200);
    streamer.browser.post("/api/rotate-overlay-uuid", &[("csrf_token", &csrf)]).await.expect(200);
}

#[tokio::test]
async fn a_new_address_ends_the_old_one_at_once() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    let old = streamer.overlay.clone();
    let mut overlays =
        [streamer.open_overlay(&world.server).await, streamer.open_overlay(&world.server).await];
    let renewed = streamer.rotate().await;
    assert_ne!(streamer.overlay, old);
    assert_eq!(renewed["new_url"], format!("{}/overlay/{}", world.server.base, streamer.overlay));
    for overlay in &mut overlays {
        assert_eq!(overlay.wait_close().await.0, 4001);
    }
    let page = streamer.browser.get(&format!("/overlay/{old}")).await.expect_page(404);
    assert!(page.body.len() < 4_096, "it shows on stream, so it is small");
    let refused = Overlay::try_open(&world.server, &format!("/ws/overlay/{old}")).await;
    assert_eq!(refused.err(), Some(404));
    let path = format!("/api/reset/{old}");
    streamer.call(&path, &Value::Null).await.expect_problem(403);

    let mut overlay = streamer.open_overlay(&world.server).await;
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "applied");
    overlay.shows(|value| value > 2.0).await;
    let dashboard = streamer.browser.get("/dashboard").await.body;
    assert!(dashboard.contains(&streamer.overlay) && !dashboard.contains(&old));
}

#[tokio::test]
async fn votes_still_count_when_the_old_session_has_been_cleaned_up() {
    let world =
        World::webhook_with(|setup| setup.set("ORPHAN_MAX_AGE", "1s").set("CLEANUP_INTERVAL", "200ms")).await;
    let mut streamer = world.log_in().await;
    let mut old = streamer.open_overlay(&world.server).await;
    old.next_value().await;
    streamer.rotate().await;
    old.wait_close().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    let scans = |metrics: &crate::support::metrics::Metrics| metrics.value("orphan_cleanup_scans_total", &[]);
    let before = scans(&world.metrics().await);
    eventually("the old session had time to be cleaned up", async || {
        (scans(&world.metrics().await) > before + 7.0).then_some(())
    })
    .await;
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "applied");
    overlay.shows(|value| value > 2.0).await;
}

#[tokio::test]
async fn a_session_without_overlays_is_cleaned_up_and_comes_back() {
    let world =
        World::webhook_with(|setup| setup.set("ORPHAN_MAX_AGE", "300ms").set("CLEANUP_INTERVAL", "100ms"))
            .await;
    let streamer = world.log_in().await;
    let overlay = streamer.open_overlay(&world.server).await;
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "applied");
    overlay.close().await;
    eventually("the session is gone", async || {
        let metrics = world.metrics().await;
        (metrics.value("orphan_sessions_deleted_total", &[]) > 0.5).then_some(())
    })
    .await;
    assert_eq!(world.outcome(&Line::new("2", "yes")).await, "no_session");
    let mut overlay = streamer.open_overlay(&world.server).await;
    assert_eq!(overlay.next_value().await, 0.0);
    assert_eq!(world.outcome(&Line::new("3", "yes")).await, "applied");
}

#[tokio::test]
async fn settings_made_before_the_first_overlay_do_not_kill_it() {
    let world =
        World::webhook_with(|setup| setup.set("ORPHAN_MAX_AGE", "200ms").set("CLEANUP_INTERVAL", "100ms"))
            .await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().set("for_trigger", "hop")).await;
    streamer.reset().await;
    streamer.rotate().await;
    streamer.save(&Form::default().set("for_trigger", "top")).await;
    streamer.reset().await;
    assert_eq!(streamer.status().await["chat"], "idle");
    let mut overlay = streamer.open_overlay(&world.server).await;
    assert_eq!(world.outcome(&Line::new("1", "top")).await, "applied");
    overlay.shows(|value| value > 2.0).await;
    streamer.chat_becomes("reading").await;
}

#[tokio::test]
async fn a_plain_request_to_the_socket_opens_nothing() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    let path = socket(&streamer);
    streamer.browser.get(&path).await.expect_problem(400);
    let half = streamer.browser.request(reqwest::Method::GET, &path);
    let half = half.header("Connection", "Upgrade").header("Upgrade", "websocket");
    streamer.browser.send(half).await.expect(400);
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "no_session");
    let status = streamer.status().await;
    assert_eq!((&status["viewers"], &status["chat"]), (&0.into(), &"idle".into()));
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("broadcaster_active_sessions", &[]), 0.0);
    assert_eq!(metrics.value("websocket_connections_current", &[]), 0.0);
    assert!(world.sim.chat_subscriptions().is_empty());
}

#[tokio::test]
async fn an_unknown_address_is_404_and_nonsense_is_400() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let unknown = Uuid::new_v4();
    for (id, status) in [(unknown.to_string(), 404), ("nonsense".to_owned(), 400), ("1".to_owned(), 400)] {
        streamer.browser.get(&format!("/overlay/{id}")).await.expect_page(status);
        let refused = Overlay::try_open(&world.server, &format!("/ws/overlay/{id}")).await;
        assert_eq!(refused.err(), Some(status), "{id}");
    }
    let metrics = world.metrics().await;
    let rejected = |reason| metrics.value("websocket_connections_rejected_total", &[("reason", reason)]);
    assert_eq!((rejected("unknown_overlay"), rejected("invalid_id")), (1.0, 2.0));
}

#[tokio::test]
async fn one_session_takes_so_many_overlays() {
    let world = World::websocket_with(|setup| setup.set("BROADCASTER_MAX_CLIENTS_PER_SESSION", "2")).await;
    let streamer = world.log_in().await;
    let mut first = streamer.open_overlay(&world.server).await;
    let mut second = streamer.open_overlay(&world.server).await;
    assert_eq!((first.next_value().await, second.next_value().await), (0.0, 0.0));
    let mut third = streamer.open_overlay(&world.server).await;
    assert_eq!(third.wait_close().await.0, 4029);
    // Another streamer has places of the own.
    let other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    assert_eq!(other.open_overlay(&world.server).await.next_value().await, 0.0);
    // And a place is free again when one goes.
    first.close().await;
    eventually("a place is free", async || {
        let mut overlay = streamer.open_overlay(&world.server).await;
        matches!(overlay.next().await, Told::Value(_)).then_some(())
    })
    .await;
    let metrics = world.metrics().await;
    assert!(metrics.value("websocket_connections_rejected_total", &[("reason", "session_limit")]) >= 1.0);
}

#[tokio::test]
async fn one_address_opens_so_many_overlays() {
    let world = World::websocket_with(|setup| setup.set("MAX_CONNECTIONS_PER_IP", "2")).await;
    let streamer = world.log_in().await;
    let _open = [streamer.open_overlay(&world.server).await, streamer.open_overlay(&world.server).await];
    let refused = Overlay::try_open(&world.server, &socket(&streamer)).await;
    assert_eq!(refused.err(), Some(429));
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("websocket_unique_ips", &[]), 1.0);
    assert_eq!(metrics.value("websocket_connections_current", &[]), 2.0);
    assert_eq!(metrics.value("websocket_connections_rejected_total", &[("reason", "ip_limit")]), 1.0);
}

#[tokio::test]
async fn one_instance_takes_so_many_overlays() {
    let world = World::websocket_with(|setup| setup.set("MAX_WEBSOCKET_CONNECTIONS", "1")).await;
    let streamer = world.log_in().await;
    let mut first = streamer.open_overlay(&world.server).await;
    first.next_value().await;
    let refused = Overlay::try_open(&world.server, &socket(&streamer)).await;
    assert_eq!(refused.err(), Some(503));
    first.close().await;
    let mut again = eventually("the place is free", async || {
        Overlay::try_open(&world.server, &socket(&streamer)).await.ok()
    })
    .await;
    assert_eq!(again.next_value().await, 0.0, "and the session lives");
}

#[tokio::test]
async fn one_address_connects_only_so_fast() {
    let world = World::websocket_with(|setup| {
        setup.set("CONNECTION_RATE_PER_IP", "1").set("CONNECTION_RATE_BURST", "3")
    })
    .await;
    let streamer = world.log_in().await;
    let attempts = join_all((0..6).map(|_| async {
        let path = socket(&streamer);
        Overlay::try_open(&world.server, &path).await
    }))
    .await;
    let refused: Vec<u16> = attempts.iter().filter_map(|attempt| attempt.as_ref().err()).copied().collect();
    assert!((2..=3).contains(&refused.len()), "{refused:?}");
    assert!(refused.iter().all(|status| *status == 429));
}

#[tokio::test]
async fn a_client_that_talks_too_much_is_closed() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let mut small = streamer.open_overlay(&world.server).await;
    small.next_value().await;
    small.send(Message::text("x".repeat(1_024))).await;
    small.send(Message::binary(vec![0; 1_024])).await;
    assert_eq!(small.next_within(Duration::from_millis(200)).await, None);

    for big in [Message::text("x".repeat(1_025)), Message::binary(vec![0; 4_000])] {
        let mut overlay = streamer.open_overlay(&world.server).await;
        overlay.next_value().await;
        overlay.send(big).await;
        assert_eq!(overlay.wait_close().await.0, 1009);
    }
    // The announcement is enough: nobody waits for what was announced.
    for size in [1_025_u64, 400_000_000, 1 << 40] {
        let mut overlay = streamer.open_overlay(&world.server).await;
        overlay.next_value().await;
        overlay.announce(size).await;
        assert_eq!(overlay.wait_close().await.0, 1009, "{size}");
    }
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    overlay.send_broken_text().await;
    assert_eq!(overlay.wait_close().await.0, 1007, "text that is no UTF-8");
    for frame in [Message::text("x"), Message::Ping(vec![1].into())] {
        let mut overlay = streamer.open_overlay(&world.server).await;
        overlay.next_value().await;
        for _ in 0..11 {
            overlay.send(frame.clone()).await;
        }
        assert_eq!(overlay.wait_close().await.0, 1008);
    }
}

#[tokio::test]
async fn viewers_are_counted_while_they_watch_and_previews_never() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    assert_eq!(streamer.status().await["viewers"], 0);
    let first = streamer.open_overlay(&world.server).await;
    let second = streamer.open_overlay(&world.server).await;
    let path = format!("{}?preview=1", socket(&streamer));
    let mut preview = Overlay::open_path(&world.server, &path).await;
    preview.next_value().await;
    assert_eq!(streamer.status().await["viewers"], 2);
    first.close().await;
    eventually("one viewer is left", async || (streamer.status().await["viewers"] == 1).then_some(())).await;
    second.close().await;
    eventually("no viewer is left", async || (streamer.status().await["viewers"] == 0).then_some(())).await;
    streamer.test_vote("for").await.expect(200);
    preview.shows(|value| value > 2.0).await;
}

#[tokio::test]
async fn a_test_vote_after_the_last_overlay_closed_has_nothing_to_show_it() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    streamer.test_vote("for").await.expect_problem(409);
    let overlay = streamer.open_overlay(&world.server).await;
    streamer.test_vote("for").await.expect(200);
    overlay.close().await;
    eventually("nobody watches", async || (streamer.status().await["viewers"] == 0).then_some(())).await;
    let refused = streamer.test_vote("for").await.expect_problem(409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("overlay"), "{refused:?}");
}

#[tokio::test]
async fn a_chat_is_read_no_more_some_time_after_its_address_was_replaced() {
    let world = World::webhook_with(|setup| {
        setup.set("SUBSCRIPTION_GRACE", "500ms").set("CLEANUP_INTERVAL", "200ms")
    })
    .await;
    let mut streamer = world.log_in().await;
    let mut old = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
    streamer.rotate().await;
    assert_eq!(old.wait_close().await.0, 4001);
    assert!(world.sim.wait_until(crate::support::SOON, |sim| sim.chat_subscriptions().is_empty()).await);
    // And is read again when the new one opens.
    let _overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_as_slow() {
    let world = World::websocket_with(|setup| {
        setup.set("API_RATE_PER_MINUTE", "0").set("BROADCASTER_TICK_INTERVAL", "1ms")
    })
    .await;
    let mut streamer = world.log_in().await;
    let mut quick = streamer.open_overlay(&world.server).await;
    let mut slow = Overlay::open_with_small_buffer(&world.server, &socket(&streamer)).await;
    let saving = async {
        // Long labels fill what lies between us faster.
        for round in 0.. {
            let label = ["\u{1F40C}", "\u{1F422}"][round % 2].repeat(50);
            streamer.save(&Form::default().set("left_label", &label).set("right_label", &label)).await;
            let evicted = world.metrics().await.value("broadcaster_slow_clients_evicted_total", &[]);
            if evicted > 0.5 {
                return;
            }
        }
    };
    let watching = async { while let Told::Config(_) | Told::Value(_) = quick.next().await {} };
    tokio::select! {
        ended = tokio::time::timeout(Duration::from_mins(1), saving) => ended.expect("the slow one is noticed"),
        () = watching => panic!("a client that reads is left alone"),
    }
    assert_eq!(slow.wait_close().await.0, 4008);
}

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
    const ASK: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n";
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

/// Whoever answered once and then fell silent has not longer than one who never did.
#[tokio::test]
async fn a_client_without_a_pong_for_a_minute_is_closed() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    let opened_at = Instant::now();
    // The library answers pings while it reads: so it reads past the first, and then writes nothing more.
    assert_eq!(overlay.next_within(Duration::from_secs(31)).await, None);
    let (code, _) = overlay.wait_close_without_a_word(Duration::from_secs(62)).await;
    assert_eq!(code, 1001);
    let took = opened_at.elapsed().as_secs();
    assert!((88..=92).contains(&took), "60 s after its only pong: {took} s");
    assert_eq!(world.metrics().await.value("websocket_idle_disconnects_total", &[]), 1.0);
}

async fn with_webhook(change: impl Fn(Setup) -> Setup) -> Server {
    Server::start_with(|port| change(crate::support::world::with_webhook(Setup::minimal(), port))).await
}

async fn half_a_request(server: &Server) -> Wire {
    let mut wire = Wire::to(server).await;
    wire.write(b"POST /webhooks/eventsub HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12").await;
    // It is being handled as soon as a later request on another connection has been.
    let live = server.http.get(server.url("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), 200);
    wire
}
