//! A fleet: three instances on one PostgreSQL and one Redis. Any instance may serve any client.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::browser::Browser;
use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::metrics::Metrics;
use crate::support::overlay::Told;
use crate::support::streamer::Form;

/// What the product promises, of the best of several; other tests share this machine.
const PROMISED: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_vote_at_one_instance_moves_the_overlays_at_all() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let mut overlays = fleet.open_everywhere(&streamer).await;
    let mut took = Vec::new();
    for round in 0..6_u32 {
        let before = f64::from(round) * 10.0;
        let posted_at = Instant::now();
        let instance = &fleet.instances[round as usize % 3];
        Line::new(&format!("Viewer{round}"), "yes").post().send(instance).await.expect(204);
        for overlay in &mut overlays {
            took.push(overlay.shows(|value| value > before + 5.0).await.at - posted_at);
        }
    }
    let best = took.iter().min().unwrap();
    assert!(*best < PROMISED, "{took:?}");
    assert_eq!(streamer.status().await["viewers"], 3, "over all instances");
    let metrics = Metrics::of(&fleet.instances[0]).await;
    assert!(metrics.value("redis_operations_total", &[("operation", "cast"), ("status", "ok")]) >= 1.0);
    assert_eq!(metrics.value("circuit_breaker_state", &[("component", "redis")]), 0.0);
}

#[tokio::test]
async fn one_message_delivered_to_all_three_at_once_counts_once() {
    let fleet = Fleet::start().await;
    let streamer = fleet.log_in().await;
    let _overlays = fleet.open_everywhere(&streamer).await;
    for round in 0..5 {
        let post = Line::new(&format!("Viewer{round}"), "yes").post();
        let [a, b, c] = [0, 1, 2].map(|place| post.send(&fleet.instances[place]));
        let (a, b, c) = tokio::join!(a, b, c);
        for answer in [a, b, c] {
            answer.expect(204);
        }
    }
    assert_eq!((fleet.counted("applied").await, fleet.counted("duplicate").await), (5.0, 10.0));
}

#[tokio::test]
async fn settings_saved_at_one_instance_count_at_another_within_a_second() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[1]).await;
    assert_eq!(overlay.next_value().await, 0.0);
    // The other instance remembers the old triggers.
    Line::new("Early", "ja").post().send(&fleet.instances[1]).await.expect(204);
    let saved_at = Instant::now();
    streamer.save(&Form::default().set("for_trigger", "ja").set("left_label", "Nein!")).await;
    let label = loop {
        if let Told::Config(config) = overlay.next().await {
            break config["left_label"].clone();
        }
    };
    assert_eq!(label, "Nein!");
    Line::new("Late", "ja").post().send(&fleet.instances[1]).await.expect(204);
    overlay.shows(|value| value > 5.0).await;
    assert!(saved_at.elapsed() < Duration::from_secs(1), "{:?}", saved_at.elapsed());
}

#[tokio::test]
async fn a_login_holds_at_every_instance_and_ends_at_every_instance() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    let mut elsewhere: Browser = streamer.browser.clone().moved_to(&fleet.instances[2]);
    elsewhere.get("/dashboard").await.expect(200);
    let csrf = streamer.csrf.clone();
    streamer.browser.post("/auth/logout", &[("csrf_token", &csrf)]).await.leads_to("/auth/login");
    elsewhere.get("/dashboard").await.leads_to("/auth/login");
}

#[tokio::test]
async fn a_rotated_address_closes_its_overlays_everywhere() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    let overlays = fleet.open_everywhere(&streamer).await;
    streamer.rotate().await;
    for mut overlay in overlays {
        assert_eq!(overlay.wait_close().await.0, 4001);
    }
}

#[tokio::test]
async fn a_killed_instance_takes_nobody_with_it() {
    let mut fleet = Fleet::start().await;
    let streamer = fleet.log_in().await;
    let mut overlays = fleet.open_everywhere(&streamer).await;
    fleet.instances.remove(0).signal("KILL").await;
    Line::new("Viewer", "yes").post().send(&fleet.instances[0]).await.expect(204);
    for overlay in &mut overlays[1..] {
        overlay.shows(|value| value > 5.0).await;
    }
}

#[tokio::test]
async fn redis_that_comes_back_empty_is_filled_again_and_overlays_recover() {
    let mut fleet = Fleet::start().await;
    let streamer = fleet.log_in().await;
    let mut overlays = fleet.open_everywhere(&streamer).await;
    fleet.redis.kill();
    // Told to be degraded, and Twitch is still answered.
    Line::new("Lost", "yes").post().send(&fleet.instances[0]).await.expect(204);
    for overlay in &mut overlays {
        loop {
            if matches!(overlay.next().await, Told::Value(shown) if shown.status == "degraded") {
                break;
            }
        }
    }
    assert!(fleet.counted("error").await >= 1.0);
    fleet.redis.restart();
    let back_at = Instant::now();
    for overlay in &mut overlays {
        loop {
            if matches!(overlay.next().await, Told::Value(shown) if shown.status == "active") {
                break;
            }
        }
    }
    assert!(back_at.elapsed() < Duration::from_secs(6), "{:?}", back_at.elapsed());
    let mut round = 0;
    while fleet.counted("applied").await < 1.0 {
        round += 1;
        Line::new(&format!("Again{round}"), "yes").post().send(&fleet.instances[0]).await.expect(204);
        assert!(back_at.elapsed() < Duration::from_secs(8), "votes do not count again");
    }
}
