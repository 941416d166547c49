//! Somebody tries the demo: the addresses are printed, one click logs in, the bar moves.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::chromium::Chromium;
use crate::overlay::STAND;
use crate::pictures::{self, keep};
use crate::product::Demo;
use crate::tab::Tab;
use crate::watch::all_quiet;

/// From the click to the dashboard.
const LOGGED_IN_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_newcomer_sees_the_dashboard_and_a_bar_that_moves_with_the_crowd() -> anyhow::Result<()> {
    let demo = Demo::start(&["--seed", "7"]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;

    streamer.goto(&demo.dashboard).await?;
    streamer.until("location.pathname === '/auth/login'").await?;
    streamer.until("document.querySelector('[data-chat] li.is-new')").await?;
    keep("login-1280", &streamer.picture().await?)?;
    keep("login-390", &on_a_phone(&streamer).await?)?;

    streamer.resize(1280, 900, 1.0).await?;
    let clicked = Instant::now();
    streamer.click(".button-twitch").await?;
    streamer
        .until("location.pathname === '/dashboard' && document.querySelector('[data-chat=\"reading\"]')")
        .await?;
    let took = clicked.elapsed();
    println!("from “Log in with Twitch” to a dashboard that reads chat: {took:.2?}");
    ensure!(took < LOGGED_IN_WITHIN, "the login took {took:?}");

    let viewer = browser.visitor(800, 100).await?;
    viewer.see_through().await?;
    viewer.goto(&demo.overlay).await?;
    assert_it_moves(&viewer).await?;
    let png = viewer.picture().await?;
    keep("overlay-crowd", &png)?;
    let painter = browser.visitor(100, 100).await?;
    pictures::assert_transparent(&painter, &png).await?;

    streamer.until("Number(document.querySelector('[data-number=\"viewers\"]').textContent) > 0").await?;
    streamer.settled().await?;
    keep("dashboard-1280", &streamer.picture().await?)?;
    keep("dashboard-1280-whole", &streamer.whole_page().await?)?;
    keep("dashboard-390", &on_a_phone(&streamer).await?)?;
    keep("dashboard-390-whole", &streamer.whole_page().await?)?;

    // The demo's Twitch has an address that nobody printed: all that's known is that it's on this machine.
    let twitch = twitch_of(&streamer);
    all_quiet(&streamer, &[demo.host(), &twitch])?;
    all_quiet(&viewer, &[demo.host()])?;
    browser.close().await
}

/// The same page 390 px wide. Nothing may stick out to the side.
async fn on_a_phone(tab: &Tab) -> anyhow::Result<Vec<u8>> {
    tab.resize(390, 844, 1.0).await?;
    tab.until("innerWidth === 390").await?;
    assert_no_sideways_scroll(tab).await?;
    tab.picture().await
}

pub(crate) async fn assert_no_sideways_scroll(tab: &Tab) -> anyhow::Result<()> {
    let (page, window): (f64, f64) = tab.eval("[document.documentElement.scrollWidth, innerWidth]").await?;
    ensure!(page <= window, "the page is {page} px wide in a window of {window} px");
    Ok(())
}

/// Several stands of the marker, and each of them drawn.
async fn assert_it_moves(overlay: &Tab) -> anyhow::Result<()> {
    overlay.until("document.querySelector('.bar').dataset.state === 'moving'").await?;
    // Each is waited for.
    for _ in 0..3 {
        let stand: f64 = overlay.eval(STAND).await?;
        overlay.until(&format!("{STAND} !== {stand:?}")).await?;
    }
    overlay.until("['for', 'against'].includes(document.querySelector('.bar').dataset.leads)").await
}

fn twitch_of(tab: &Tab) -> String {
    let hop = tab.events().into_iter().find_map(|event| {
        let url = event.params["request"]["url"].as_str()?.to_owned();
        (event.name == "Network.requestWillBeSent" && url.contains("/oauth2/authorize")).then_some(url)
    });
    let host = hop.and_then(|url| Some(url.strip_prefix("http://127.0.0.1:")?.split('/').next()?.to_owned()));
    host.map_or_else(String::new, |port| format!("127.0.0.1:{port}"))
}
