//! Every mode, shape and background of the overlay: chosen on the dashboard, seen in an overlay that stays open.

use anyhow::ensure;

use crate::chromium::Chromium;
use crate::newcomer::assert_no_sideways_scroll;
use crate::overlay::STAND;
use crate::pictures::{assert_transparent, keep};
use crate::product::Served;
use crate::tab::Tab;
use crate::watch::all_quiet;

/// Promised from "Save" to the new appearance, in milliseconds.
const ON_STREAM_WITHIN: f64 = 300.0;

/// Promised from a test vote to the moving bar.
const MOVES_WITHIN: f64 = 100.0;

/// State of the bar in the dashboard's frame.
const PREVIEW: &str =
    "document.querySelector('[data-preview-frame]').contentDocument?.querySelector('.bar')?.dataset";

/// Chooses on the form, without saving.
pub(crate) async fn choose(streamer: &Tab, name: &str, value: &str) -> anyhow::Result<()> {
    streamer.click(&format!("input[name={name}][value={value}]")).await
}

/// Holds in an overlay that looks like this.
pub(crate) fn dressed(shape: &str, theme: &str) -> String {
    format!(
        "(({{ shape, theme }}) => shape === '{shape}' && theme === '{theme}')(document.querySelector('.bar').dataset)"
    )
}

/// Saves, and says how many milliseconds lay between the press and the new appearance in the overlay.
pub(crate) async fn save(streamer: &Tab, overlay: &Tab, expected: &str) -> anyhow::Result<f64> {
    // Clocks of two tabs of one browser agree.
    const NOW: &str = "performance.timeOrigin + performance.now()";
    overlay
        .run(&format!(
            "window.dressedAt = new Promise((resolve) => {{
                const look = () => {{ if ({expected}) {{ observer.disconnect(); resolve({NOW}); }} }};
                const observer = new MutationObserver(look);
                observer.observe(document.querySelector('.bar'), {{ attributes: true }});
                look();
            }})"
        ))
        .await?;
    streamer
        .run(&format!(
            "document.querySelector('[data-save-button]').addEventListener('click', () => {{
                window.pressedAt = {NOW};
            }}, {{ capture: true, once: true }})"
        ))
        .await?;
    streamer.click("[data-save-button]").await?;
    let dressed: f64 = overlay.eval("window.dressedAt").await?;
    let pressed: f64 = streamer.eval("window.pressedAt").await?;
    streamer.until("document.querySelector('[data-save]').dataset.save === 'clean'").await?;
    Ok(dressed - pressed)
}

pub(crate) async fn vote(streamer: &Tab, side: &str, times: usize) -> anyhow::Result<()> {
    // All in one go: on a busy machine the bar would have come to rest between the first and the last.
    streamer
        .run(&format!(
            "for (let times = 0; times < {times}; times += 1) {{
                fetch('/api/test-vote', {{ method: 'POST', body: JSON.stringify({{ side: {side:?} }}), headers: {{
                    'Content-Type': 'application/json',
                    'X-CSRF-Token': document.querySelector('[name=csrf_token]').value,
                }} }});
            }}"
        ))
        .await
}

#[tokio::test]
async fn every_appearance_is_on_stream_at_once_and_nothing_is_cut() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 1000).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    overlay.run("window.neverReloaded = true").await?;
    let painter = browser.visitor(100, 100).await?;

    for name in ["hint", "percentages", "counts"] {
        streamer.click(&format!("input[name={name}]")).await?;
    }
    choose(&streamer, "mode", "share").await?;
    streamer.until("document.querySelector('[data-only-in-mode=momentum]').hidden").await?;
    streamer.fill("#window_secs", "120").await?;
    let mut took =
        vec![save(&streamer, &overlay, "document.querySelector('.bar').dataset.mode === 'share'").await?];
    streamer.settled().await?;
    keep("dashboard-share", &streamer.whole_page().await?)?;
    vote(&streamer, "for", 14).await?;
    vote(&streamer, "against", 6).await?;
    overlay.until("document.querySelector('[data-number=\"inside-for\"]').textContent === '70%'").await?;

    for shape in ["bar", "two_bars"] {
        choose(&streamer, "shape", shape).await?;
        for theme in ["dark", "light", "transparent"] {
            choose(&streamer, "theme", theme).await?;
            took.push(save(&streamer, &overlay, &dressed(shape, theme)).await?);
            for (width, height) in [(800, 100), (300, 60)] {
                overlay.resize(width, height, 1.0).await?;
                overlay.until(&format!("innerWidth === {width}")).await?;
                overlay.settled().await?;
                assert_it_is_whole(&overlay, &format!("{shape}, {theme}, {width}")).await?;
                let png = overlay.picture().await?;
                if theme != "transparent" && width == 800 {
                    assert_transparent(&painter, &png).await?;
                }
                keep(&format!("look-share-{shape}-{theme}-{width}"), &png)?;
            }
            overlay.resize(800, 100, 1.0).await?;
        }
    }
    streamer.resize(390, 844, 1.0).await?;
    assert_no_sideways_scroll(&streamer).await?;
    keep("dashboard-share-390", &streamer.whole_page().await?)?;
    took.sort_by(f64::total_cmp);
    ensure!(took[took.len() / 2] < ON_STREAM_WITHIN, "new appearances took {took:?} ms");
    let same_page: bool = overlay.eval("window.neverReloaded === true").await?;
    ensure!(same_page, "the overlay was reloaded");
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

/// All that is seen lies in the source.
async fn assert_it_is_whole(overlay: &Tab, what: &str) -> anyhow::Result<()> {
    let outside: Vec<String> = overlay
        .eval(
            "[...document.querySelectorAll('.bar-pill, [data-label]:not(.bar-ghost), [data-number], [data-trigger]')]
                .filter((element) => element.checkVisibility?.() ?? true)
                .filter((element) => {
                    const box = element.getBoundingClientRect();
                    if (box.width === 0 || box.height === 0) return false;
                    return box.left < -0.5 || box.top < -0.5 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5;
                })
                .map((element) => element.className + ' ' + JSON.stringify(element.getBoundingClientRect()))",
        )
        .await?;
    ensure!(outside.is_empty(), "{what}: outside of the source: {outside:?}");
    Ok(())
}

#[tokio::test]
async fn the_preview_shows_what_is_chosen_before_it_is_saved() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 1000).await?;
    served.log_in(&streamer).await?;
    streamer.until(&format!("{PREVIEW}?.connected === 'true'")).await?;
    choose(&streamer, "theme", "light").await?;
    choose(&streamer, "shape", "two_bars").await?;
    streamer.until(&format!("{PREVIEW}.theme === 'light' && {PREVIEW}.shape === 'two_bars'")).await?;
    streamer.until("document.querySelector('[data-save-button]').textContent === 'Save 2 changes'").await?;
    streamer.click("[data-discard]").await?;
    streamer.until(&format!("{PREVIEW}.theme === 'dark' && {PREVIEW}.shape === 'bar'")).await?;
    all_quiet(&streamer, &[served.host(), &served.twitch()])?;
    browser.close().await
}

#[tokio::test]
async fn a_vote_moves_the_bar_within_a_tenth_of_a_second() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 1000).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    let mut took = Vec::new();
    for _ in 0..5 {
        took.push(press_and_see(&streamer, &overlay).await?);
        streamer.click("[data-reset]").await?;
        overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    }
    took.sort_by(f64::total_cmp);
    ensure!(took[2] < MOVES_WITHIN, "bars moved after {took:?} ms");
    browser.close().await
}

async fn press_and_see(streamer: &Tab, overlay: &Tab) -> anyhow::Result<f64> {
    overlay
        .run(&format!(
            "window.movedAt = new Promise((resolve) => {{
                const look = () => {{
                    if ({STAND} > 0.1) resolve(performance.timeOrigin + performance.now());
                    else requestAnimationFrame(look);
                }};
                look();
            }})"
        ))
        .await?;
    streamer
        .run(
            "document.querySelector('[data-test=for]').addEventListener('click', () => {
                window.pressedAt = performance.timeOrigin + performance.now();
            }, { capture: true, once: true })",
        )
        .await?;
    streamer.click("[data-test=for]").await?;
    let moved: f64 = overlay.eval("window.movedAt").await?;
    let pressed: f64 = streamer.eval("window.pressedAt").await?;
    Ok(moved - pressed)
}
