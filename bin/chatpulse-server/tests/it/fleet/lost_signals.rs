//! Signals only trigger a refresh. Without them, changes arrive later but stay correct.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::SOON;
use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::live::{ask, push_silently};
use crate::support::recording::Recording;
use crate::support::streamer::{Form, Streamer};

const LIVELY: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);

/// For the way there and back on a busy machine.
const SLACK: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_lost_signal_delays_a_session_with_votes_by_a_second_at_most() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    Line::new("Viewer", "yes").post().send(&fleet.instances[0]).await.expect(204);
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 5.0).await;
    }
    for _ in 0..5 {
        let slowest = silent_vote_shows(&fleet, &streamer, &mut overlays).await;
        assert!(slowest < LIVELY + SLACK, "{slowest:?}");
    }
}

#[tokio::test]
async fn a_lost_signal_delays_an_idle_session_by_five_seconds_at_most() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    let slowest = silent_vote_shows(&fleet, &streamer, &mut overlays).await;
    assert!(slowest < IDLE + SLACK, "{slowest:?}");
}

#[tokio::test]
async fn after_a_lost_subscription_everything_is_looked_at_once() {
    let fleet = Fleet::start().await;
    let (streamer, other) = (fleet.log_in().await, fleet.log_in_other().await);
    let mut overlays = fleet.record_everywhere(&streamer).await;
    overlays.extend(fleet.record_everywhere(&other).await);
    for overlay in [&streamer.overlay, &other.overlay] {
        push_silently(&fleet.redis, overlay);
    }
    let lost_at = Instant::now();
    assert_eq!(ask(&fleet.redis, &["CLIENT", "KILL", "TYPE", "pubsub"]), ["3"]);
    for overlay in &mut overlays {
        let shown = overlay.shows(SOON, |shown| shown.value > 5.0).await;
        println!("looked at after {:?}", shown.at - lost_at);
        assert!(shown.at - lost_at < LIVELY, "idle sessions would be looked at within 5 s anyway");
    }
    // And it hears again.
    let posted_at = Instant::now();
    Line::new("Viewer", "no").post().send(&fleet.instances[0]).await.expect(204);
    for overlay in &mut overlays[..3] {
        let shown = overlay.shows(SOON, |shown| shown.value < 1.0).await;
        assert!(shown.at - posted_at < SLACK, "{:?}", shown.at - posted_at);
    }
}

/// How long the slowest overlay took to show a vote that nobody was told of.
async fn silent_vote_shows(fleet: &Fleet, streamer: &Streamer, overlays: &mut [Recording]) -> Duration {
    let risen: Vec<f64> =
        overlays.iter().map(|overlay| overlay.shown().last().map_or(0.0, |shown| shown.value)).collect();
    let pushed_at = Instant::now();
    push_silently(&fleet.redis, &streamer.overlay);
    let mut slowest = Duration::ZERO;
    for (overlay, before) in overlays.iter_mut().zip(risen) {
        let shown = overlay.shows(SOON, |shown| shown.at > pushed_at && shown.value > before + 1.0).await;
        slowest = slowest.max(shown.at - pushed_at);
    }
    println!("a silent vote showed after {slowest:?}");
    slowest
}
