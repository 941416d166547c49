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

/// The page asks what was meant, takes the advice on a click, and says what a line would do before anything is saved.
#[tokio::test]
async fn a_doubtful_trigger_is_asked_about_and_a_line_can_be_tried() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let try_line = async |line: &str, verdict: &str| {
        streamer.fill("#line", line).await?;
        streamer.click(".try button").await?;
        streamer.until(&format!("document.querySelector('[data-verdict]').textContent === '{verdict}'")).await
    };
    streamer.fill("#for_trigger", "ja, jep").await?;
    streamer.press("Enter", 13).await?;
    try_line("JEP!", "Doesn’t count.").await?;
    try_line("ja, jep", "Counts as a vote for.").await?;
    streamer.click("[data-save-button]").await?;
    let asked = "document.querySelector('[data-questions=\"for_trigger\"] button')";
    streamer.until(&format!("{asked}?.textContent === 'Use ja and jep'")).await?;
    streamer.settled().await?;
    keep("dashboard-question-1280", &streamer.picture().await?)?;
    streamer.resize(390, 844, 1.0).await?;
    assert_no_sideways_scroll(&streamer).await?;
    streamer
        .run("document.querySelector('[data-questions=for_trigger]').scrollIntoView({ block: 'center' })")
        .await?;
    keep("dashboard-question-390", &streamer.picture().await?)?;
    streamer.click("[data-questions=\"for_trigger\"] button").await?;
    streamer.until(&format!("{asked} === null")).await?;
    try_line("JEP!", "Counts as a vote for.").await?;
    try_line("no no", "Counts as a vote against.").await?;
    let twitch = served.twitch();
    all_quiet(&streamer, &[served.host(), &twitch])?;
    browser.close().await
}
