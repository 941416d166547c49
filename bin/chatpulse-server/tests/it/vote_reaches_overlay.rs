//! From a chat message to a bar that moves and returns to the centre.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::SOON;
use crate::support::chat::Line;
use crate::support::overlay::{Overlay, Shown, Told};
use crate::support::streamer::Form;
use crate::support::world::{STREAMER, World};

/// What the product promises. One vote of several has to keep it: other tests share this machine.
const PROMISED: Duration = Duration::from_millis(100);
/// What no vote may take, however busy the machine.
const NEVER_LONGER: Duration = Duration::from_secs(1);

async fn votes_move_both_overlays_in_time(world: &World) {
    let mut streamer = world.log_in().await;
    streamer
        .save(
            &Form::default()
                .set("for_trigger", "Ja")
                .set("against_trigger", "Nein")
                .set("decay_speed", "0.1"),
        )
        .await;
    let mut overlays =
        [streamer.open_overlay(&world.server).await, streamer.open_overlay(&world.server).await];
    for overlay in &mut overlays {
        assert_eq!(overlay.next_value().await, 0.0);
    }
    assert!(world.sim.wait_until_subscribed(STREAMER, SOON).await);

    let mut took = Vec::new();
    for round in 1..=5_u8 {
        let before = f64::from(round - 1) * 10.0;
        let said_at = Instant::now();
        world.say(&format!("Viewer{round}"), "ja").await;
        for overlay in &mut overlays {
            let shown = overlay.shows(|value| value > before + 5.0).await;
            took.push(shown.at - said_at);
        }
    }
    let best = took.iter().min().unwrap();
    assert!(*best < PROMISED, "the fastest took {best:?}");
    assert!(took.iter().all(|each| *each < NEVER_LONGER), "{took:?}");

    let metrics = world.metrics().await;
    assert_eq!(metrics.value("vote_processing_total", &[("result", "applied")]), 5.0);
    assert!(metrics.value("vote_to_broadcast_seconds_count", &[]) >= 1.0);
    let status = streamer.status().await;
    assert_eq!(
        (&status["chat"], &status["viewers"], &status["votes_last_minute"]),
        (&"reading".into(), &2.into(), &5.into())
    );
    assert!(status["last_vote_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_vote_by_webhook_moves_every_overlay_at_once() {
    votes_move_both_overlays_in_time(&World::webhook().await).await;
}

#[tokio::test]
async fn a_vote_by_eventsub_socket_moves_every_overlay_at_once() {
    votes_move_both_overlays_in_time(&World::websocket().await).await;
}

#[tokio::test]
async fn the_first_frame_says_at_once_where_the_bar_stands() {
    let world = World::webhook().await;
    let streamer = world.log_in().await;
    let opened_at = Instant::now();
    let mut first = streamer.open_overlay(&world.server).await;
    let shown = first.next_shown().await;
    assert!(shown.at - opened_at < NEVER_LONGER);
    assert_eq!((shown.value, shown.status.as_str(), shown.decay), (0.0, "active", 0.5));

    Line::new("41", "no").post().send(&world.server).await.expect(204);
    let moved = first.shows(|value| value < 0.0).await;
    assert!((-10.0..-5.0).contains(&moved.value), "{moved:?}");
    let late = streamer.open_overlay(&world.server).await.next_shown().await;
    assert!((-10.0..-1.0).contains(&late.value), "it does not start at the centre: {late:?}");
}

#[tokio::test]
async fn a_late_page_gets_newer_settings_and_a_current_page_does_not() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().set("left_label", "Left")).await;
    let page = streamer.browser.get(&format!("/overlay/{}", streamer.overlay)).await.expect(200).body;
    let version: u64 = crate::support::streamer::between(&page, "&quot;version&quot;:", ",").parse().unwrap();
    let open = async |version: u64| {
        let path = format!("/ws/overlay/{}?v={version}", streamer.overlay);
        let mut overlay = Overlay::open_path(&world.server, &path).await;
        overlay.next_value().await;
        overlay
    };
    let config = open(version - 1).await.next_config().await;
    assert_eq!(config["left_label"], "Left");
    let mut current = open(version).await;
    assert_eq!(current.next_within(Duration::from_millis(300)).await, None);
}

#[tokio::test]
async fn the_bar_drifts_back_by_the_formula_once_a_second() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    for _ in 0..4 {
        streamer.test_vote("for").await.expect(200);
    }
    let top = overlay.shows(|value| value > 35.0).await;
    let mut frames: Vec<Shown> = Vec::new();
    while top.at.elapsed() < Duration::from_secs(5) {
        frames.push(overlay.next_shown().await);
    }
    for frame in &frames {
        let secs = (frame.at - top.at).as_secs_f64();
        let expected = top.value * (-0.5 * secs).exp();
        assert!(
            (frame.value - expected).abs() < 1.0,
            "after {secs:.2} s it is {expected:.2}, and {} was shown",
            frame.value
        );
    }
    assert!((4..=6).contains(&frames.len()), "{} frames in 5 s of drift", frames.len());
}

#[tokio::test]
async fn the_last_frame_is_exactly_zero_and_then_there_is_silence() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "2.0")).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    streamer.test_vote("against").await.expect(200);
    assert!(overlay.shows(|value| value < -2.0).await.value >= -10.0);
    let mut last = -10.0;
    while last != 0.0 {
        let value = overlay.next_value().await;
        assert!(value > last, "it only comes nearer: {last}, then {value}");
        assert_eq!(value, (value * 100.0).round() / 100.0, "two decimals at most");
        last = value;
    }
    let after: Option<Told> = overlay.next_within(Duration::from_millis(1_500)).await;
    assert_eq!(after, None, "nothing changes, so nothing is said");
    streamer.test_vote("for").await.expect(200);
    assert!(overlay.next_value().await > 2.0);
}

#[tokio::test]
async fn the_bar_never_leaves_its_ends() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    for _ in 0..14 {
        let value = streamer.test_vote("for").await.expect(200).json()["value"].clone();
        assert!(value.as_f64().unwrap() <= 100.0, "{value}");
    }
    let shown = overlay.shows(|value| value > 95.0).await;
    assert!(shown.value <= 100.0);
}

#[tokio::test]
async fn many_votes_at_once_become_few_frames_and_the_last_one_is_right() {
    const TICK: Duration = Duration::from_millis(250);
    let world = World::webhook_with(|setup| setup.set("BROADCASTER_TICK_INTERVAL", "250ms")).await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    let first = overlay.next_shown().await;
    // A quiet spell is a tick without a frame: only time makes it.
    tokio::time::sleep_until(first.at + TICK + Duration::from_millis(50)).await;
    let votes = (1..=9).map(|chatter| Line::new(&format!("c{chatter}"), "yes").post());
    for post in votes {
        post.send(&world.server).await.expect(204);
    }
    let mut frames = vec![overlay.next_shown().await];
    while frames.last().unwrap().value < 85.0 {
        frames.push(overlay.next_shown().await);
    }
    assert!(frames[0].value < 45.0, "the first vote after a quiet spell is shown at once: {frames:?}");
    assert!(frames.len() <= 4, "{frames:?}");
    for pair in frames.windows(2) {
        let gap = pair[1].at - pair[0].at;
        assert!(gap > TICK / 2, "{gap:?} between two frames");
    }
}
