//! What a moving bar costs the machine that encodes the stream.

#![expect(clippy::print_stdout, reason = "a test says what it measured")]

use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;

use crate::appearance::{choose, dressed, save};
use crate::chromium::Chromium;
use crate::product::Served;
use crate::tab::Tab;
use crate::watch::all_quiet;

/// Promised against a page that asks for each frame and does nothing in it.
const TIMES_AS_MUCH: f64 = 1.5;

const WATCHED: Duration = Duration::from_secs(2);
const PAIRS: usize = 5;

#[tokio::test]
async fn a_moving_bar_costs_little_more_than_an_empty_loop_of_frames() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    let empty = browser.visitor(800, 100).await?;
    empty.run("const frame = () => requestAnimationFrame(frame); frame()").await?;

    for (mode, shape) in [("momentum", "bar"), ("share", "two_bars")] {
        choose(&streamer, "mode", mode).await?;
        choose(&streamer, "shape", shape).await?;
        if mode == "share" {
            save(&streamer, &overlay, &dressed(shape, "dark")).await?;
        }
        let ratio = against_empty(&streamer, &overlay, &empty).await?;
        ensure!(ratio <= TIMES_AS_MUCH, "{mode}: {ratio:.2} times an empty loop");
    }
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

/// The median of pairs that are watched at the same time, while a crowd votes five times a second.
async fn against_empty(streamer: &Tab, overlay: &Tab, empty: &Tab) -> anyhow::Result<f64> {
    streamer
        .run(
            "const token = document.querySelector('[name=csrf_token]').value;
             let votes = 0;
             window.voting = setInterval(() => fetch('/api/test-vote', {
                 method: 'POST',
                 headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token },
                 body: JSON.stringify({ side: votes++ % 20 < 10 ? 'for' : 'against' }),
             }), 200)",
        )
        .await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'moving'").await?;
    let mut ratios = Vec::new();
    for _ in 0..PAIRS {
        let before = (overlay.worked().await?, empty.worked().await?);
        sleep(WATCHED).await;
        let after = (overlay.worked().await?, empty.worked().await?);
        ratios.push((after.0 - before.0) / (after.1 - before.1));
    }
    streamer.run("clearInterval(window.voting)").await?;
    ratios.sort_by(f64::total_cmp);
    println!("an overlay works {ratios:.2?} times as long as an empty loop");
    Ok(ratios[PAIRS / 2])
}
