//! The preview beside the settings: the backdrop behind it, and what moderators changed.

use std::collections::HashSet;

use anyhow::ensure;
use chatpulse_twitch_sim::{Badge, ChatLine, Chatter};

use crate::chromium::Chromium;
use crate::pictures::keep;
use crate::product::{STREAMER, Served};
use crate::tab::{SOON, Tab};
use crate::watch::all_quiet;

const BACKDROPS: [&str; 4] = ["Game", "Dark", "Light", "Checker"];

/// What is painted behind the preview.
async fn backdrop(tab: &Tab) -> anyhow::Result<String> {
    tab.eval(
        "(({ backgroundColor, backgroundImage }) => `${backgroundColor} ${backgroundImage}`)(
            getComputedStyle(document.querySelector('[data-preview-frame]').parentElement))",
    )
    .await
}

#[tokio::test]
async fn every_backdrop_can_be_chosen_and_is_kept() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let mut seen = HashSet::new();
    for backdrop_name in BACKDROPS {
        streamer.click(&format!(".preview button[title={backdrop_name}]")).await?;
        let pressed: Vec<String> = streamer
            .eval("[...document.querySelectorAll('.preview [aria-pressed=true]')].map((button) => button.title)")
            .await?;
        ensure!(pressed == [backdrop_name], "{pressed:?} is pressed instead of {backdrop_name}");
        keep(&format!("preview-{}", backdrop_name.to_lowercase()), &streamer.picture().await?)?;
        let painted = backdrop(&streamer).await?;
        ensure!(seen.insert(painted.clone()), "{backdrop_name} changes nothing: {painted}");
    }
    let last = backdrop(&streamer).await?;
    streamer.goto(&format!("{}/dashboard", served.base)).await?;
    streamer.until("document.querySelector('.preview [title=Checker]').ariaPressed === 'true'").await?;
    ensure!(backdrop(&streamer).await? == last, "the choice is lost by a reload");
    all_quiet(&streamer, &[served.host(), &served.twitch()])?;
    browser.close().await
}

/// Holds while the page shows this text.
fn shows(text: &str) -> String {
    format!("document.querySelector('.notices').innerText.includes({text:?})")
}

#[tokio::test]
async fn what_moderators_pause_and_hide_shows_live_and_can_be_undone() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    streamer.until("document.querySelector('[data-chat=reading]')").await?;
    ensure!(served.sim.wait_until_subscribed(STREAMER.0, SOON).await, "chat is not read");
    streamer.run("window.neverReloaded = true").await?;
    let moderator = Chatter { badges: vec![Badge::new("moderator", "1", "")], ..Chatter::named("Mod") };
    let say = async |text| served.sim.say(ChatLine::new(STREAMER.0, moderator.clone(), text)).await;

    let (paused, hidden) = (shows("Votes are paused"), shows("The overlay is hidden"));
    ensure!(!streamer.eval::<bool>(&paused).await?, "nothing is paused yet");
    say("!pulse pause").await;
    streamer.until(&paused).await?;
    say("!pulse hide").await;
    streamer.until(&hidden).await?;
    keep("dashboard-paused", &streamer.picture().await?)?;
    say("!pulse show").await;
    streamer.until(&format!("!{hidden}")).await?;
    let same_page: bool = streamer.eval("window.neverReloaded === true && location.hash === ''").await?;
    ensure!(same_page, "the page was reloaded");

    streamer.click(".notice:not([hidden]) button[value=resume]").await?;
    streamer.until(&format!("window.neverReloaded === undefined && !{paused}")).await?;
    all_quiet(&streamer, &[served.host(), &served.twitch()])?;
    browser.close().await
}

#[tokio::test]
async fn a_marker_that_is_turned_off_is_gone_in_the_preview_and_in_the_overlay() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    let marker =
        |document: &str| format!("getComputedStyle({document}.querySelector('.bar-dot')).visibility");
    overlay.until(&format!("{} === 'visible'", marker("document"))).await?;
    let framed = marker("document.querySelector('[data-preview-frame]').contentDocument");
    streamer.until(&format!("{framed} === 'visible'")).await?;
    streamer.click("input[name=show_marker]").await?;
    streamer.until(&format!("{framed} === 'hidden'")).await?;
    streamer.click("[data-save-button]").await?;
    overlay.until(&format!("{} === 'hidden'", marker("document"))).await?;
    browser.close().await
}
