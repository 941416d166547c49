//! Redis is unavailable for 20 s: unresponsive in the middle of the work, or disconnected.

use std::time::Duration;

use chatpulse_testkit::servers::redis::RedisServer;
use tokio::time::{Instant, sleep_until};

use crate::support::browser::Browser;
use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::load::Load;
use crate::support::metrics::Metrics;
use crate::support::overlay::Shown;
use crate::support::recording::Recording;
use crate::support::streamer::{Form, Streamer};
use crate::support::{SOON, eventually, within};

const OUTAGE: Duration = Duration::from_secs(20);
/// Both to say that it is degraded, and to be well again.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

const DECAY: f64 = 0.1;
const BREAKER: [(&str, &str); 1] = [("component", "redis")];

#[tokio::test(flavor = "multi_thread")]
async fn redis_silent_for_20_s_is_a_degraded_bar_that_drifts_on_and_then_recovers() {
    outage(|redis| redis.pause(), |redis| redis.resume()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_gone_for_20_s_is_a_degraded_bar_that_drifts_on_and_then_recovers() {
    outage(RedisServer::kill, RedisServer::restart).await;
}

async fn outage(begin: impl Fn(&mut RedisServer), end: impl Fn(&mut RedisServer)) {
    let mut fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", DECAY.to_string())).await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    for round in 0..12 {
        Line::new(&format!("Early{round}"), "yes").post().send(&fleet.instances[0]).await.expect(204);
    }
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 90.0).await;
    }

    begin(&mut fleet.redis);
    let began_at = Instant::now();
    let load = Load::on(&fleet.instances, Duration::from_millis(100));
    for overlay in &mut overlays {
        let degraded = overlay.shows(SOON, |shown| shown.status == "degraded").await;
        println!("degraded after {:?}", degraded.at - began_at);
        assert!(degraded.at - began_at < NOTICED_WITHIN);
    }
    for instance in &fleet.instances {
        let mut newcomer = Recording::of(streamer.open_overlay(instance).await);
        newcomer.shows(NOTICED_WITHIN, |shown| shown.status == "degraded").await;
        overlays.push(newcomer);
    }
    dashboards_answer(&fleet, &streamer).await;
    eventually("every breaker is open", async || {
        let all = fleet.metrics().await;
        let is_open = |metrics: &Metrics| {
            let opened = metrics.value("circuit_breaker_state_changes_total", &[BREAKER[0], ("to", "open")]);
            // Half open for the moment of each probe.
            opened >= 1.0 && metrics.value("circuit_breaker_state", &BREAKER) > 0.0
        };
        all.iter().all(is_open).then_some(())
    })
    .await;
    sleep_until(began_at + OUTAGE).await;
    let posted = load.end_answered_within(ANSWERED_WITHIN).await;
    assert_eq!(fleet.counted("error").await, posted);
    for overlay in &overlays[..fleet.instances.len()] {
        drifts_by_the_formula(&overlay.shown());
    }

    end(&mut fleet.redis);
    let back_at = Instant::now();
    recovers(&fleet, &mut overlays, back_at).await;
}

/// A page each: for somebody who is logged in, and for somebody who is not.
async fn dashboards_answer(fleet: &Fleet, streamer: &Streamer) {
    for instance in &fleet.instances {
        let asked_at = Instant::now();
        let mut logged_in = streamer.browser.clone().moved_to(instance);
        logged_in.get("/dashboard").await.expect_page(200);
        Browser::at(instance).get("/auth/login").await.expect_page(200);
        println!("two pages after {:?}", asked_at.elapsed());
    }
}

/// A frame a second, each where the one before it has drifted to meanwhile.
fn drifts_by_the_formula(shown: &[Shown]) {
    let first = shown.iter().position(|shown| shown.status == "degraded").unwrap();
    let degraded = &shown[first..];
    assert!(degraded.len() > 10, "{degraded:?}");
    for later in &degraded[1..] {
        assert_eq!(later.status, "degraded", "it stays so until Redis is back");
        let elapsed = (later.at - degraded[0].at).as_secs_f64();
        let expected = degraded[0].value * (-DECAY * elapsed).exp();
        // Frames travel for a moment, and a busy machine makes that a long one.
        assert!((later.value - expected).abs() < expected * 0.1, "{later:?} is not {expected}");
    }
}

async fn recovers(fleet: &Fleet, overlays: &mut [Recording], back_at: Instant) {
    let left = || NOTICED_WITHIN.saturating_sub(back_at.elapsed());
    for overlay in overlays {
        let well = overlay.shows(left(), |shown| shown.at > back_at && shown.status == "active").await;
        println!("active after {:?}", well.at - back_at);
    }
    for (place, instance) in fleet.instances.iter().enumerate() {
        let mut round = 0;
        within(left(), "votes count again", async || {
            round += 1;
            Line::new(&format!("Again{place}x{round}"), "no").post().send(instance).await.expect(204);
            let metrics = Metrics::of(instance).await;
            let applied = metrics.value("vote_processing_total", &[("result", "applied")]);
            // The early votes were counted by the first instance.
            let early = if place == 0 { 12.0 } else { 0.0 };
            let is_closed = metrics.value("circuit_breaker_state", &BREAKER) == 0.0;
            (applied > early && is_closed).then_some(())
        })
        .await;
    }
    println!("recovered after {:?}", back_at.elapsed());
}
