//! Changing settings: at once on stream, and without script as well.

use anyhow::ensure;

use crate::chromium::Chromium;
use crate::newcomer::assert_no_sideways_scroll;
use crate::pictures::keep;
use crate::product::Served;
use crate::watch::{all_quiet, quiet_but_for};

#[tokio::test]
async fn a_saved_label_reaches_an_open_overlay_without_a_reload() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    keep("dashboard-first-run", &streamer.picture().await?)?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    overlay.run("window.neverReloaded = true").await?;

    streamer.fill("#right_label", "Do it!").await?;
    streamer.fill("#left_label", "Nope").await?;
    streamer.until("document.querySelector('[data-save-button]').textContent === 'Save 2 changes'").await?;
    streamer.settled().await?;
    keep("dashboard-changes", &streamer.picture().await?)?;
    streamer.click("[data-save-button]").await?;
    streamer.until("document.querySelector('[data-save]').dataset.save === 'clean'").await?;
    streamer.settled().await?;
    keep("dashboard-saved", &streamer.picture().await?)?;
    overlay
        .until("document.querySelector('.bar-end-for [data-label=\"right\"]').textContent === 'Do it!'")
        .await?;
    let same_page: bool = overlay.eval("window.neverReloaded === true").await?;
    ensure!(same_page, "the overlay was reloaded");

    let twitch = served.twitch();
    all_quiet(&streamer, &[served.host(), &twitch])?;
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

#[tokio::test]
async fn a_mistake_is_said_beside_its_field() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    streamer.fill("#against_trigger", "yes").await?;
    streamer.press("Enter", 13).await?;
    streamer.fill("#left_label", "").await?;
    streamer.click("[data-save-button]").await?;
    streamer.until("document.querySelector('[data-save]').dataset.save === 'failed'").await?;
    streamer.settled().await?;
    keep("dashboard-mistake-1280", &streamer.picture().await?)?;
    streamer.resize(390, 844, 1.0).await?;
    assert_no_sideways_scroll(&streamer).await?;
    streamer.run("document.activeElement.scrollIntoView({ block: 'center' })").await?;
    keep("dashboard-mistake-390", &streamer.picture().await?)?;
    let twitch = served.twitch();
    quiet_but_for(&streamer, &[served.host(), &twitch], &["status of 422"])?;
    browser.close().await
}

#[tokio::test]
async fn saving_needs_no_script() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    streamer.scripts(false).await?;
    served.log_in(&streamer).await?;
    keep("dashboard-no-script", &streamer.whole_page().await?)?;
    streamer.fill("#left_label", "Nope").await?;
    streamer.click("[data-save-button]").await?;
    streamer.until("document.querySelector('[data-notice=\"saved\"]')").await?;
    keep("dashboard-no-script-saved", &streamer.picture().await?)?;
    let stored: String = streamer.eval("document.querySelector('#left_label').value").await?;
    ensure!(stored == "Nope", "{stored} was stored");

    streamer.fill("#left_label", "x".repeat(51).as_str()).await?;
    streamer.click("[data-save-button]").await?;
    streamer.until("document.querySelector('[data-notice=\"invalid\"]')").await?;
    keep("dashboard-no-script-mistake", &streamer.picture().await?)?;
    let twitch = served.twitch();
    quiet_but_for(&streamer, &[served.host(), &twitch], &["status of 422"])?;
    browser.close().await
}
