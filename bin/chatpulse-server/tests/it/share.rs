//! Share mode: how many of the latest votes are for and against.

use std::time::{Duration, Instant};

use chatpulse_twitch_sim::{ChatLine, Chatter};
use serde_json::Value;

use crate::support::chat::Line;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::metrics::Metrics;
use crate::support::overlay::Overlay;
use crate::support::recording::Recording;
use crate::support::server::{Server, Setup};
use crate::support::streamer::{Form, Streamer};
use crate::support::world::{STREAMER, World};

/// Over two minutes unless the test says otherwise.
fn share() -> Form {
    Form::default().set("boxes", "1").set("mode", "share").set("window_secs", "120")
}

async fn vote(server: &Server, chatter: &str, text: &str) {
    Line::new(chatter, text).post().send(server).await.expect(204);
}

/// Reads until so many votes for and against are shown.
async fn shows(overlay: &mut Overlay, in_favor: u64, against: u64) -> f64 {
    overlay.shows_tally(in_favor, against).await.value
}

async fn world() -> (World, Streamer, Overlay) {
    // The bucket of momentum would let ten pass.
    let world = World::webhook_with(|setup| setup.set("VOTE_RATE_LIMIT_CAPACITY", "10")).await;
    let mut streamer = world.log_in().await;
    streamer.save(&share()).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    (world, streamer, overlay)
}

#[tokio::test]
async fn seventy_of_a_hundred_are_seventy_percent_and_no_bucket_limits_them() {
    let (world, mut streamer, mut overlay) = world().await;
    for number in 0..100 {
        let text = if number % 10 < 7 { "yes" } else { "no" };
        vote(&world.server, &format!("v{number}"), text).await;
    }
    assert_eq!(shows(&mut overlay, 70, 30).await, 40.0);
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("vote_processing_total", &[("result", "applied")]), 100.0);
    let pressed = streamer.test_vote("against").await.expect(200).json();
    assert_eq!(pressed["value"].as_f64().unwrap().round(), 39.0);
    shows(&mut overlay, 70, 31).await;
    streamer.reset().await;
    assert_eq!(shows(&mut overlay, 0, 0).await, 0.0);
}

/// The whole way: EventSub socket, matching, store, overlay.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_lines_a_second_settle_at_what_the_crowd_is_for_and_stay_there() {
    const A_TICK: Duration = Duration::from_millis(50);
    const LINES_A_TICK: u32 = 100;
    const TICKS: u32 = 160;
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    streamer.save(&share().set("window_secs", "5")).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    streamer.chat_becomes("reading").await;
    let recording = Recording::of(overlay);
    let (mut ticks, mut dice) = (tokio::time::interval(A_TICK), 7_u32);
    let began = Instant::now();
    for tick in 0..TICKS {
        ticks.tick().await;
        let lines = (0..LINES_A_TICK).map(|place| {
            // Who says what is chance, and the same in every run.
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let text = if dice >> 16 < 45_875 { "yes" } else { "no" };
            let chatter = format!("v{}", (tick * LINES_A_TICK + place) % 5_000);
            world.sim.say(ChatLine::new(STREAMER, Chatter::named(chatter), text))
        });
        futures_util::future::join_all(lines).await;
    }
    let took = began.elapsed();
    assert!(took < A_TICK * (TICKS * 3 / 2), "{took:?} are far from two thousand a second");
    let all = f64::from(TICKS * LINES_A_TICK);
    eventually("every line counts", async || {
        let applied = world.metrics().await.value("vote_processing_total", &[("result", "applied")]);
        (applied == all).then_some(())
    })
    .await;
    let shown = recording.shown();
    let settled: Vec<f64> = shown
        .iter()
        .filter(|shown| shown.at.into_std() > began + Duration::from_secs(2))
        .filter(|shown| shown.at.into_std() < began + took)
        .map(|shown| f64::midpoint(100.0, shown.value))
        .collect();
    assert!(settled.len() > 50, "{} frames", settled.len());
    let off = settled.iter().map(|share| (share - 70.0).abs()).fold(0.0, f64::max);
    assert!(off < 2.0, "up to {off} points from 70 : 30");
}

#[tokio::test]
async fn votes_leave_with_their_window_and_overlays_hear_of_it() {
    let (world, mut streamer, mut overlay) = world().await;
    streamer.save(&share().set("window_secs", "5")).await;
    vote(&world.server, "ann", "yes").await;
    assert_eq!(shows(&mut overlay, 1, 0).await, 100.0);
    let began = Instant::now();
    assert_eq!(shows(&mut overlay, 0, 0).await, 0.0);
    let took = began.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(7)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn where_one_viewer_has_one_vote_their_latest_counts() {
    let (world, mut streamer, mut overlay) = world().await;
    streamer.save(&share().set("one_vote_each", "on").set("until_reset", "on")).await;
    vote(&world.server, "ann", "yes").await;
    vote(&world.server, "bob", "yes").await;
    shows(&mut overlay, 2, 0).await;
    // One vote a second is heard of each.
    eventually("ann may vote again", async || {
        (world.outcome(&Line::new("ann", "no")).await == "applied").then_some(())
    })
    .await;
    assert_eq!(shows(&mut overlay, 1, 1).await, 0.0);
}

fn soon_forgotten(setup: Setup) -> Setup {
    setup.set("ORPHAN_MAX_AGE", "200ms").set("CLEANUP_INTERVAL", "100ms").set("SUBSCRIPTION_GRACE", "200ms")
}

/// Ten rounds of clean-up without an overlay, then votes.
async fn votes_typed_while_the_scene_is_away_count(server: &Server, streamer: &mut Streamer) {
    streamer.save(&share().set("until_reset", "on")).await;
    let mut overlay = streamer.open_overlay(server).await;
    vote(server, "before", "yes").await;
    shows(&mut overlay, 1, 0).await;
    overlay.close().await;
    let scans = async || Metrics::of(server).await.value("orphan_cleanup_scans_total", &[]);
    let before = scans().await;
    eventually("the session had time to be cleaned up", async || {
        (scans().await > before + 10.0).then_some(())
    })
    .await;
    vote(server, "meanwhile", "no").await;
    let mut overlay = streamer.open_overlay(server).await;
    shows(&mut overlay, 1, 1).await;
}

#[tokio::test]
async fn a_share_until_reset_counts_while_the_scene_is_away() {
    let world = World::webhook_with(soon_forgotten).await;
    let mut streamer = world.log_in().await;
    votes_typed_while_the_scene_is_away_count(&world.server, &mut streamer).await;
}

#[tokio::test]
async fn a_share_until_reset_counts_in_a_fleet_while_the_scene_is_away() {
    let mut fleet = Fleet::without_instances(0, soon_forgotten).await;
    fleet.add_instances(1).await;
    let mut streamer = fleet.log_in().await;
    fleet.leader().await;
    votes_typed_while_the_scene_is_away_count(&fleet.instances[0], &mut streamer).await;
}

#[tokio::test]
async fn a_share_is_one_over_all_instances_and_each_overlay_says_the_same() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&share()).await;
    let mut overlays = fleet.open_everywhere(&streamer).await;
    for (number, text) in ["yes", "yes", "no", "yes"].into_iter().enumerate() {
        vote(&fleet.instances[number % 3], &format!("v{number}"), text).await;
    }
    for overlay in &mut overlays {
        assert_eq!(shows(overlay, 3, 1).await, 50.0);
    }
    // At another instance, and heard everywhere.
    streamer.browser = streamer.browser.clone().moved_to(&fleet.instances[2]);
    streamer.reset().await;
    for overlay in &mut overlays {
        shows(overlay, 0, 0).await;
    }
}

#[tokio::test]
async fn from_saving_to_a_new_look_in_an_open_overlay_takes_no_time() {
    let (_world, mut streamer, mut overlay) = world().await;
    let form = share()
        .set("theme", "light")
        .set("shape", "two_bars")
        .set("for_colour", "#00AA55")
        .set("position", "top")
        .set("hint", "on")
        .set("for_trigger", "<b>oui</b>");
    let mut took = Vec::new();
    for _ in 0..3 {
        streamer.save(&share()).await;
        overlay.next_config().await;
        let began = Instant::now();
        streamer.save(&form).await;
        let config = overlay.next_config().await;
        took.push(began.elapsed());
        assert_eq!(config["theme"], "light");
    }
    took.sort();
    assert!(took[1] < Duration::from_millis(300), "{took:?}");
    streamer.save(&form).await;
    let config = overlay.next_config().await;
    for (key, value) in [
        ("theme", "light"),
        ("shape", "two_bars"),
        ("for_colour", "#00aa55"),
        ("against_colour", "#ffb347"),
        ("position", "top"),
        ("for_trigger", "<b>oui</b>"),
        ("mode", "share"),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    assert_eq!((&config["hint"], &config["counts"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(config["window_secs"], 120);

    // A client that knows only the first settings changes no other.
    streamer.save(&Form::default()).await;
    let config = overlay.next_config().await;
    assert_eq!((&config["theme"], &config["hint"]), (&"light".into(), &true.into()));
    assert_eq!(config["for_trigger"], "yes");
    // Boxes that are off are not sent, but said to be there.
    streamer.save(&Form::default().set("boxes", "1")).await;
    assert_eq!(overlay.next_config().await["hint"], false);
}

#[tokio::test]
async fn a_choice_that_is_none_is_said_beside_its_field_and_kept() {
    let (_world, mut streamer, _overlay) = world().await;
    for (field, bad) in [
        ("mode", "tide"),
        ("window_secs", "4"),
        ("window_secs", "121"),
        ("window_secs", "1e2"),
        ("theme", "dark\" onload=\"x"),
        ("shape", ""),
        ("position", "left"),
        ("for_colour", "#12345"),
        ("against_colour", "url(x)"),
    ] {
        let page = streamer.submit(&share().set(field, bad)).await.expect_page(422).body;
        let line = crate::support::streamer::between(&page, &format!("data-below=\"{field}\""), "</p>");
        assert!(!line.split_once('>').unwrap().1.is_empty(), "{field} {bad}");
        assert!(!page.contains("onload=\"x"), "{field}");
    }
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    assert!(page.contains("value=\"share\" checked"));
}
