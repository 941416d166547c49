//! Reduced motion: honoured everywhere but in OBS, where it is a wish of the streamer's desktop and not of the viewers.

use anyhow::ensure;

use crate::appearance::vote;
use crate::chromium::Chromium;
use crate::product::Served;
use crate::tab::Tab;

const OBS: &str = "window.obsstudio = { pluginVersion: '2.24.4' }";

/// The moving parts and their transitions, in seconds; those of the small prints are none for everybody.
const TRANSITIONS: &str = "['.bar', '.bar-pill', '.bar-tint-for', '.bar-sign', '.bar-slab-for', '.bar-percent-for', '.bar-lane-fill']
    .map((part) => Math.max(...getComputedStyle(document.querySelector(part)).transitionDuration.split(',').map(Number.parseFloat)))";

/// The bar in the dashboard's frame.
const BAR: &str = "document.querySelector('[data-preview-frame]').contentDocument?.querySelector('.bar')";

/// Votes for, and says whether the bar slid: an animation of the browser, instead of steps.
async fn slides(streamer: &Tab, overlay: &Tab) -> anyhow::Result<bool> {
    overlay
        .run(
            "window.slid = false;
             const look = () => {
                 window.slid ||= document.getAnimations().some(({ id }) => id === 'course');
                 requestAnimationFrame(look);
             };
             look()",
        )
        .await?;
    vote(streamer, "for", 3).await?;
    overlay.until("document.querySelector('.bar').dataset.leads === 'for'").await?;
    streamer.click("[data-reset]").await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    // Only now: the first slide may begin a frame after its vote was heard.
    overlay.eval("window.slid").await
}

#[tokio::test]
async fn obs_ignores_the_desktops_wish_for_reduced_motion_and_nobody_else() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let url = served.overlay_of(&streamer).await?;
    for (in_obs, reduced, moves) in
        [(false, false, true), (false, true, false), (true, false, true), (true, true, true)]
    {
        let overlay = browser.visitor(800, 100).await?;
        if in_obs {
            overlay.before_scripts(OBS).await?;
        }
        if reduced {
            overlay.move_less().await?;
        }
        overlay.goto(&url).await?;
        overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
        let asked: bool = overlay.eval("matchMedia('(prefers-reduced-motion: reduce)').matches").await?;
        ensure!(asked == reduced, "the browser was not told");
        let durations: Vec<f64> = overlay.eval(TRANSITIONS).await?;
        let all_as_expected = durations.iter().all(|secs| (*secs > 0.0) == moves);
        ensure!(all_as_expected, "in OBS: {in_obs}, reduced: {reduced}: transitions of {durations:?} s");
        let slid = slides(&streamer, &overlay).await?;
        ensure!(slid == moves, "in OBS: {in_obs}, reduced: {reduced}: it slid: {slid}");
        overlay.goto("about:blank").await?;
    }
    // The preview of a dashboard that is docked in OBS is for the streamer's own eyes.
    let dock = browser.visitor(600, 900).await?;
    dock.before_scripts(OBS).await?;
    dock.move_less().await?;
    served.log_in(&dock).await?;
    dock.until(&format!("{BAR}?.dataset.connected === 'true'")).await?;
    let motion: Option<String> = dock.eval(&format!("{BAR}.dataset.motion ?? null")).await?;
    ensure!(motion.is_none(), "the preview moves: {motion:?}");
    browser.close().await
}
