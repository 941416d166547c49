//! An overlay on stream comes back by itself, whatever was answered in its place.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chatpulse_testkit::servers::postgres::PostgresServer;
use tokio::time::sleep;

use crate::chromium::Chromium;
use crate::pictures::{keep, workspace};
use crate::product::{STREAMER, Served};
use crate::proxy::{Answered, FOREIGN, FOREIGN_404, OUR_404, Proxy};
use crate::tab::Tab;
use crate::waits::{held, hold, pass};

const CONNECTED: &str = "document.querySelector('.bar')?.dataset.connected === 'true'";
const LOST: &str = "document.querySelector('.bar').dataset.connected === 'false'";
const SAYS_CHANGED: &str = "!document.querySelector('[data-note]').hidden && document.querySelector('.bar').dataset.state === 'rotated'";
/// Holds in a page of a server that reaches its database.
const READY: &str = "fetch('/health/ready').then(({ status }) => status === 200)";
/// The longest wait of the backoff, in seconds.
const BACKOFF_MAX: u32 = 30;

struct Stage {
    served: Served,
    browser: Chromium,
    streamer: Tab,
    /// A window of the size of a browser source.
    overlay: Tab,
    proxy: Proxy,
    url: String,
}

/// A streamer, and an overlay that is open by way of a proxy.
async fn stage(extra: &[(&str, &str)]) -> anyhow::Result<Stage> {
    let served = Served::start(extra).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let proxy = Proxy::before(served.host()).await?;
    let url = served.overlay_of(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    hold(&overlay).await?;
    overlay.goto(&proxy.instead_of(&url)).await?;
    Ok(Stage { served, browser, streamer, overlay, proxy, url })
}

async fn says_changed(overlay: &Tab) -> anyhow::Result<bool> {
    overlay.eval(SAYS_CHANGED).await
}

#[tokio::test]
async fn only_our_own_404_means_that_the_address_changed() -> anyhow::Result<()> {
    let Stage { served: _served, browser, overlay, proxy, .. } = stage(&[]).await?;
    overlay.until(CONNECTED).await?;
    for answer in FOREIGN {
        proxy.answer(answer);
        overlay.until(LOST).await?;
        for tries in 1..=3 {
            pass(&overlay, BACKOFF_MAX).await?;
            proxy.has_answered(|Answered { pages, sockets }| *pages >= tries && *sockets >= tries).await?;
            overlay
                .until("waitsOfTest.all().some((ms) => ms <= 30_000 && ms !== 10_000 && ms !== 15_000)")
                .await?;
            ensure!(!says_changed(&overlay).await?, "{answer:?} was taken for a new address");
        }
        proxy.forward();
        pass(&overlay, BACKOFF_MAX).await?;
        overlay.until(CONNECTED).await?;
    }

    proxy.answer(OUR_404);
    overlay.until(LOST).await?;
    pass(&overlay, BACKOFF_MAX).await?;
    overlay.until(SAYS_CHANGED).await?;
    overlay.settled().await?;
    keep("overlay-gone", &overlay.picture().await?)?;
    for _ in 0..2 {
        let waits = held(&overlay).await?;
        ensure!(
            waits.len() == 1 && (200_000.0..=300_000.0).contains(&waits[0]),
            "it looks again after {waits:?} ms"
        );
        let before = proxy.answered().pages;
        pass(&overlay, 300).await?;
        proxy.has_answered(|Answered { pages, .. }| *pages > before).await?;
        overlay.until("waitsOfTest.all().length === 1 && waitsOfTest.all()[0] > 200_000").await?;
        ensure!(says_changed(&overlay).await?, "it forgot that the address changed");
    }
    proxy.forward();
    pass(&overlay, 300).await?;
    overlay.until(CONNECTED).await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest' && document.querySelector('[data-note]').hidden").await?;
    browser.close().await
}

#[tokio::test]
async fn a_bar_that_was_told_of_its_new_address_says_so_and_stops() -> anyhow::Result<()> {
    let Stage { served: _served, browser, streamer, overlay, proxy, .. } = stage(&[]).await?;
    overlay.until(CONNECTED).await?;
    streamer.click("[data-rotate]").await?;
    streamer.until("document.querySelector('dialog').open").await?;
    streamer.click("[data-rotate-yes]").await?;
    overlay.until(SAYS_CHANGED).await?;
    proxy.answer(FOREIGN_404);
    let waits = held(&overlay).await?;
    ensure!(waits.is_empty(), "it still waits {waits:?} ms for something");
    pass(&overlay, 3_600).await?;
    overlay.run("dispatchEvent(new Event('online'))").await?;
    overlay.until("new Promise((later) => setTimeout(later, 400, true))").await?;
    ensure!(proxy.answered() == Answered::default(), "it asked again: {:?}", proxy.answered());
    ensure!(says_changed(&overlay).await?, "it says nothing any more");
    browser.close().await
}

#[tokio::test]
async fn one_overlay_too_many_tries_again_each_minute() -> anyhow::Result<()> {
    let Stage { served: _served, browser, streamer, overlay, url, .. } =
        stage(&[("BROADCASTER_MAX_CLIENTS_PER_SESSION", "1")]).await?;
    // The preview of the dashboard is a client too.
    streamer.goto("about:blank").await?;
    let only = browser.visitor(800, 100).await?;
    overlay.goto("about:blank").await?;
    only.goto(&url).await?;
    only.until(CONNECTED).await?;
    overlay.goto(&url).await?;
    let waits_a_minute = "((waits) => waits.length === 1 && waits[0] >= 45_000 && waits[0] <= 60_000)(waitsOfTest.all().filter((ms) => ms !== 3_000))";
    for _ in 0..2 {
        overlay.until(waits_a_minute).await?;
        pass(&overlay, 60).await?;
    }
    overlay.until(waits_a_minute).await?;
    only.goto("about:blank").await?;
    let tried = async || -> anyhow::Result<()> {
        pass(&overlay, 60).await?;
        overlay.until(&format!("{CONNECTED} || {waits_a_minute}")).await
    };
    // The server may hear a little later that a place is free.
    for _ in 0..50 {
        tried().await?;
        if overlay.eval(CONNECTED).await? {
            return browser.close().await;
        }
    }
    anyhow::bail!("the free place was never taken");
}

/// The stand-in page looks before it reloads, so that no proxy's page stays on stream.
#[tokio::test]
async fn a_page_in_place_of_the_overlay_becomes_the_overlay() -> anyhow::Result<()> {
    let Stage { served, browser, overlay, proxy, url, .. } = stage(&[]).await?;
    let gone = format!("{}/overlay/8f7a0000-0000-4000-8000-000000000000", served.base);
    overlay.goto(&proxy.instead_of(&gone)).await?;
    overlay.until("document.querySelector('.overlay-note')?.checkVisibility()").await?;
    overlay.run("window.neverReloaded = true").await?;
    for answer in FOREIGN {
        proxy.answer(answer);
        pass(&overlay, 300).await?;
        proxy.has_answered(|Answered { pages, .. }| *pages > 0).await?;
        overlay.until("waitsOfTest.all().some((ms) => ms > 200_000)").await?;
        let same: bool = overlay.eval("window.neverReloaded === true").await?;
        ensure!(same, "it went to what a proxy answered: {answer:?}");
    }
    // Now the page finds the overlay at its own URL, as after a restored backup.
    let path = url.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    overlay.run(&format!("history.replaceState(null, '', '/{path}')")).await?;
    proxy.forward();
    pass(&overlay, 300).await?;
    overlay.until(CONNECTED).await?;
    browser.close().await
}

/// Nothing is painted but a small sign, and no words.
async fn assert_unobtrusive(overlay: &Tab) -> anyhow::Result<()> {
    let backgrounds: Vec<String> = overlay
        .eval("[document.documentElement, document.body].map((element) => getComputedStyle(element).backgroundColor)")
        .await?;
    ensure!(
        backgrounds.iter().all(|colour| colour == "rgba(0, 0, 0, 0)"),
        "it is not transparent: {backgrounds:?}"
    );
    let seen: Vec<(f64, f64, String)> = overlay
        .eval(
            "[...document.body.querySelectorAll('*')]
                .filter((element) => !element.closest('.visually-hidden') && !element.matches('main'))
                .map((element) => [element.getBoundingClientRect(), element.textContent])
                .map(([{ width, height }, text]) => [width, height, text])",
        )
        .await?;
    let small = seen.iter().all(|(width, height, text)| *width <= 60.0 && *height <= 60.0 && text.is_empty());
    ensure!(small, "it shows {seen:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlay_that_is_loaded_while_the_database_is_away_comes_by_itself() -> anyhow::Result<()> {
    let mut postgres = PostgresServer::start();
    let database = postgres.database().await;
    let url = database.url();
    let own = [
        ("DATABASE_URL", url.as_str()),
        ("SESSION_SECRET", "a secret of this test"),
        ("BOT_USER_ID", STREAMER.0),
    ];
    let Stage { mut served, browser, streamer, overlay, proxy, url } = stage(&own).await?;
    overlay.until(CONNECTED).await?;
    for tab in [&streamer, &overlay] {
        tab.goto("about:blank").await?;
    }
    // A server that starts again knows no overlay by heart.
    served.kill().await?;
    served.come_back().await?;
    streamer.goto(&format!("{}/nowhere", served.base)).await?;
    streamer.until(READY).await?;
    postgres.stop();
    let url = proxy.instead_of(&url);
    for (width, height) in [(800, 100), (400, 120), (1280, 900), (390, 844)] {
        overlay.resize(width, height, 1.0).await?;
        overlay.goto(&url).await?;
        overlay.until("document.querySelector('.overlay-sign')").await?;
        assert_unobtrusive(&overlay).await?;
        keep(&format!("overlay-away-{width}x{height}"), &overlay.picture().await?)?;
    }
    overlay.run("window.neverReloaded = true").await?;
    let waits = held(&overlay).await?;
    ensure!(waits.len() == 1 && (5_000.0..=7_500.0).contains(&waits[0]), "it looks again after {waits:?} ms");
    // The server stops as well: the page stays until there is something better.
    for answer in [FOREIGN_404, ""] {
        proxy.answer(answer);
        pass(&overlay, BACKOFF_MAX).await?;
        proxy.has_answered(|Answered { pages, .. }| *pages > 0).await?;
        overlay.until("waitsOfTest.all().length === 1 && waitsOfTest.all()[0] !== 10_000").await?;
        let same: bool = overlay.eval("window.neverReloaded === true").await?;
        ensure!(same, "it went to what a proxy answered: {answer:?}");
    }
    proxy.forward();
    postgres.restart();
    streamer.until(READY).await?;
    pass(&overlay, BACKOFF_MAX).await?;
    overlay.until(CONNECTED).await?;
    browser.close().await
}

/// The server went away between the page and its files, or another instance knows only newer ones.
#[tokio::test]
async fn an_overlay_that_did_not_arrive_as_a_whole_loads_again() -> anyhow::Result<()> {
    let Stage { served: _served, browser, overlay, proxy, url, .. } = stage(&[]).await?;
    overlay.until(CONNECTED).await?;
    overlay
        .until("document.readyState === 'complete' && !document.querySelector('[http-equiv=refresh]')")
        .await?;
    let mut broken = Vec::new();
    for part in ["/assets/overlay.", "/assets/connection.", "/assets/colour.", ".css"] {
        proxy.forward_without(part);
        let tab = browser.visitor(800, 100).await?;
        tab.goto(&proxy.instead_of(&url)).await?;
        proxy.has_answered(|Answered { pages, .. }| *pages > 0).await?;
        tab.until("document.querySelector('[http-equiv=refresh]')").await?;
        broken.push(tab);
    }
    proxy.forward();
    // The browser's own timer, which nothing can hold or hurry.
    sleep(Duration::from_secs(30)).await;
    for tab in &broken {
        tab.until(CONNECTED).await?;
        tab.until("[...document.querySelectorAll('link[rel=stylesheet]')].every(({ sheet }) => sheet?.cssRules.length > 0)")
            .await?;
    }
    // One that arrived as a whole stays for ever.
    let same: bool = overlay.eval("performance.now() > 30_000").await?;
    ensure!(same, "the overlay was loaded again");
    browser.close().await
}

/// The page of the documentation, which a proxy answers while the server is away.
#[tokio::test]
async fn the_documented_page_of_a_proxy_comes_back_by_itself() -> anyhow::Result<()> {
    let text = fs::read_to_string(workspace().join("docs/operations/reverse-proxy.md"))?;
    let page =
        text.split("return 503 '").nth(1).and_then(|rest| rest.split("';").next()).context("no page")?;
    let Stage { served: _served, browser, overlay, proxy, url, .. } = stage(&[]).await?;
    proxy.answer(&format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    ));
    overlay.goto(&proxy.instead_of(&url)).await?;
    assert_unobtrusive(&overlay).await?;
    proxy.forward();
    overlay.until(CONNECTED).await?;
    browser.close().await
}
