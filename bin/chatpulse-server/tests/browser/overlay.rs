//! The bar on stream, at every stand it can have.

use std::time::Duration;

use anyhow::ensure;
use chatpulse_twitch_sim::{Badge, ChatLine, Chatter};
use serde::Deserialize;
use tokio::time::sleep;

use crate::appearance::{choose, vote};
use crate::chromium::Chromium;
use crate::pictures::{assert_transparent, keep};
use crate::product::{STREAMER, Served};
use crate::tab::{SOON, Tab};
use crate::watch::{all_quiet, quiet_but_for};

/// How long a bar at rest is watched.
const WATCHED: Duration = Duration::from_millis(600);

/// Where the marker stands, as the page draws it: from −50 to 50.
pub(crate) const STAND: &str = "((carrier) => (100 * new DOMMatrix(getComputedStyle(carrier).transform).m41) / carrier.offsetWidth)(document.querySelector('.bar-carrier'))";

#[derive(Debug, Deserialize)]
struct Place {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Place {
    async fn of(tab: &Tab, selector: &str) -> anyhow::Result<Self> {
        tab.eval(&format!("document.querySelector({selector:?}).getBoundingClientRect().toJSON()")).await
    }

    fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && self.right >= other.right
            && self.top <= other.top
            && self.bottom >= other.bottom
    }
}

#[tokio::test]
async fn the_bar_is_whole_at_rest_at_both_ends_and_unplugged() -> anyhow::Result<()> {
    let mut served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    drift_slowly(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    let painter = browser.visitor(100, 100).await?;

    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    assert_it_sleeps(&overlay).await?;
    let png = overlay.picture().await?;
    assert_transparent(&painter, &png).await?;
    keep("overlay-rest", &png)?;

    for (side, name) in [("for", "overlay-plus-100"), ("against", "overlay-minus-100")] {
        hold_at_the_end(&streamer, side).await?;
        overlay.until(&reaches(side)).await?;
        assert_it_fits(&overlay).await?;
        let png = overlay.picture().await?;
        assert_transparent(&painter, &png).await?;
        keep(name, &png)?;
        stop_votes(&streamer).await?;
    }
    all_quiet(&overlay, &[served.host()])?;

    served.kill().await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'disconnected'").await?;
    overlay.settled().await?;
    let png = overlay.picture().await?;
    assert_transparent(&painter, &png).await?;
    keep("overlay-disconnected", &png)?;

    served.come_back().await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    quiet_but_for(&overlay, &[served.host()], &["net::ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"])?;
    browser.close().await
}

#[tokio::test]
async fn an_address_that_was_replaced_says_so_once() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let old = served.overlay_of(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    overlay.goto(&old).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;

    streamer.click("[data-rotate]").await?;
    streamer.until("document.querySelector('dialog').open").await?;
    keep("dashboard-rotate", &streamer.picture().await?)?;
    streamer.click("[data-rotate-yes]").await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rotated'").await?;
    overlay.settled().await?;
    keep("overlay-rotated", &overlay.picture().await?)?;

    overlay.goto(&old).await?;
    keep("overlay-missing", &overlay.picture().await?)?;
    quiet_but_for(&overlay, &[served.host()], &["status of 404"])?;
    browser.close().await
}

#[tokio::test]
async fn the_bar_fits_into_every_size_of_source() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    streamer.fill("#left_label", "Absolutely not, never in a hundred years").await?;
    streamer.fill("#right_label", "Ja").await?;
    drift_slowly(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    hold_at_the_end(&streamer, "against").await?;
    overlay.until(&reaches("against")).await?;
    for (width, height) in [(300, 60), (420, 100), (800, 100), (1280, 80), (1920, 200)] {
        overlay.resize(width, height, 1.0).await?;
        overlay.until(&format!("innerWidth === {width} && innerHeight === {height}")).await?;
        assert_it_fits(&overlay).await?;
        keep(&format!("overlay-{width}x{height}"), &overlay.picture().await?)?;
    }
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

/// Whatever is saved or hidden while it moves.
#[tokio::test]
async fn a_bar_that_is_changed_on_its_way_comes_to_rest() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    choose(&streamer, "mode", "share").await?;
    save(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    assert!(served.sim.wait_until_subscribed(STREAMER.0, SOON).await);
    let moderator = |text| {
        let chatter = Chatter { badges: vec![Badge::new("moderator", "1", "")], ..Chatter::named("Mod") };
        served.sim.say(ChatLine::new(STREAMER.0, chatter, text))
    };
    for round in 0..4 {
        let side = if round % 2 == 0 { "for" } else { "against" };
        vote(&streamer, side, 20).await?;
        overlay.until("document.querySelector('.bar').dataset.state === 'moving'").await?;
        // Right away, and when it has nearly arrived.
        let played_ms = 250 * (round / 2);
        overlay
            .until(&format!(
                "document.getAnimations().every(({{ id, currentTime }}) => id !== 'course' || currentTime >= {played_ms})"
            ))
            .await?;
        let words = format!("Round {round}");
        streamer.fill("#left_label", &words).await?;
        save(&streamer).await?;
        overlay
            .until(&format!(
                "document.querySelector('.bar-end-against > [data-label=left]').textContent === '{words}'"
            ))
            .await?;
        overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
        vote(&streamer, side, 10).await?;
        for (command, hidden) in [("!pulse hide", "true"), ("!pulse show", "false")] {
            moderator(command).await;
            overlay.until(&format!("document.querySelector('.bar').dataset.hidden === '{hidden}'")).await?;
            overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
        }
    }
    overlay.settled().await?;
    assert_it_sleeps(&overlay).await?;
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

async fn save(streamer: &Tab) -> anyhow::Result<()> {
    streamer.click("[data-save-button]").await?;
    streamer.until("document.querySelector('[data-save]').dataset.save === 'clean'").await
}

/// It jumps, four times a second at most, and nothing slides or fades.
#[tokio::test]
async fn with_reduced_motion_the_bar_steps() -> anyhow::Result<()> {
    const WATCHED_MS: u32 = 2_000;
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.move_less().await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    hold_at_the_end(&streamer, "for").await?;
    overlay.until(&format!("{STAND} > 5")).await?;
    let (stands, animations): (u32, u32) = overlay
        .eval(&format!(
            "new Promise((resolve) => {{
                const began = performance.now();
                let [stand, stands, animations] = [{STAND}, 0, 0];
                const look = () => {{
                    animations += document.getAnimations().length;
                    if ({STAND} !== stand) [stand, stands] = [{STAND}, stands + 1];
                    if (performance.now() - began < {WATCHED_MS}) requestAnimationFrame(look);
                    else resolve([stands, animations]);
                }};
                look();
            }})"
        ))
        .await?;
    ensure!((1..=WATCHED_MS / 250 + 1).contains(&stands), "{stands} steps in {WATCHED_MS} ms");
    ensure!(animations == 0, "something moved by itself");
    stop_votes(&streamer).await?;
    overlay.until("document.querySelector('.bar').dataset.leads === 'for'").await?;
    streamer.click("[data-reset]").await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    assert_it_sleeps(&overlay).await?;
    browser.close().await
}

/// Nothing moves, and nothing is about to: an idle overlay costs its streamer no frame.
async fn assert_it_sleeps(overlay: &Tab) -> anyhow::Result<()> {
    const FRAMES: &str = "[framesOfTest.asked, framesOfTest.drawn, document.getAnimations().length]";
    overlay
        .until("framesOfTest.asked === framesOfTest.drawn && document.getAnimations().length === 0")
        .await?;
    let before: (u64, u64, u64) = overlay.eval(FRAMES).await?;
    // That nothing happens can't be waited for: only time shows it.
    sleep(WATCHED).await;
    let after: (u64, u64, u64) = overlay.eval(FRAMES).await?;
    ensure!(before == after, "at rest frames went from {before:?} to {after:?}");
    Ok(())
}

/// The marker stays in the track and off the labels, everything in the pill, the pill in the source.
async fn assert_it_fits(overlay: &Tab) -> anyhow::Result<()> {
    let (width, height): (f64, f64) = overlay.eval("[innerWidth, innerHeight]").await?;
    let source = Place { left: 0.0, right: width, top: 0.0, bottom: height };
    let pill = Place::of(overlay, ".bar-pill").await?;
    let track = Place::of(overlay, ".bar-track").await?;
    let marker = Place::of(overlay, ".bar-marker").await?;
    let ends = [Place::of(overlay, ".bar-end-against").await?, Place::of(overlay, ".bar-end-for").await?];
    ensure!(source.holds(&pill), "{pill:?} sticks out of {source:?}");
    ensure!(pill.holds(&marker), "{marker:?} sticks out of {pill:?}");
    ensure!(track.left <= marker.left && marker.right <= track.right, "{marker:?} leaves {track:?}");
    for end in &ends {
        ensure!(pill.holds(end), "{end:?} sticks out of {pill:?}");
        ensure!(end.right <= marker.left || marker.right <= end.left, "{marker:?} lies over {end:?}");
    }
    Ok(())
}

/// The marker stands as near to an end as a vote brings it.
fn reaches(side: &str) -> String {
    let far = if side == "for" { ">= 49.5" } else { "<= -49.5" };
    format!("{STAND} {far}")
}

/// As slowly as the slider goes, so that a bar at its end hardly leaves it between two votes.
async fn drift_slowly(dashboard: &Tab) -> anyhow::Result<()> {
    dashboard.run("document.querySelector('#decay_speed').focus()").await?;
    dashboard.press("Home", 36).await?;
    dashboard.until("document.querySelector('#decay_speed').value === '0.1'").await?;
    save(dashboard).await
}

/// Test votes faster than the bar drifts, until [`stop_votes`].
async fn hold_at_the_end(dashboard: &Tab, side: &str) -> anyhow::Result<()> {
    dashboard
        .run(&format!(
            "const token = document.querySelector('input[name=\"csrf_token\"]').value;
             window.voting = setInterval(() => fetch('/api/test-vote', {{
                 method: 'POST',
                 headers: {{ 'Content-Type': 'application/json', 'X-CSRF-Token': token }},
                 body: JSON.stringify({{ side: {side:?} }}),
             }}), 30)"
        ))
        .await
}

async fn stop_votes(dashboard: &Tab) -> anyhow::Result<()> {
    dashboard.run("clearInterval(window.voting)").await
}
