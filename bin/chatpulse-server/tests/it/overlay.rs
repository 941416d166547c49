//! The overlay URL: who may connect, what closes a socket, and how a new URL affects the old one.

use serde_json::Value;
use uuid::Uuid;

use crate::support::chat::Line;
use crate::support::eventually;
use crate::support::overlay::Overlay;
use crate::support::streamer::{Form, Streamer};
use crate::support::world::World;

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
