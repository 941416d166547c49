//! The pictures of the README. Each run makes them; `WRITE_README_PICTURES=1` puts them into `docs/images`.

use std::fmt::Write as _;
use std::{env, fs};

use anyhow::ensure;
use chatpulse_twitch_sim::CrowdConfig;

use crate::appearance::{choose, dressed, save, vote};
use crate::chromium::Chromium;
use crate::overlay::STAND;
use crate::pictures::{inline, keep, workspace};
use crate::product::{STREAMER, Served};
use crate::tab::Tab;
use crate::watch::all_quiet;

/// A README should open quickly.
const BYTES_MAX: usize = 200 * 1024;

/// A game to stand on: the one that the dashboard's preview uses.
const GROUND: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/chatpulse-web/assets/backdrop.svg"));

#[tokio::test]
async fn the_readme_shows_the_product_at_work() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    choose_words(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.see_through().await?;
    overlay.resize(800, 100, 1.2).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;

    let at_rest = overlay.picture().await?;
    let against = lean(&streamer, &overlay, "against", 6).await?;
    let in_favor = lean(&streamer, &overlay, "for", 8).await?;
    let painter = browser.visitor(1120, 420).await?;
    painter.show(&scene(&[against, at_rest, in_favor])).await?;
    publish("overlay", &painter.picture().await?)?;

    publish("looks", &looks(&streamer, &overlay, &painter).await?)?;

    let crowd = served.sim.start_crowd(CrowdConfig {
        messages_per_second: 12.0,
        seed: 7,
        ..CrowdConfig::in_channel(STREAMER.0)
    });
    streamer.until("Number(document.querySelector('[data-number=\"votes\"]').textContent) > 30").await?;
    // Who has been here before sees no first steps.
    streamer.goto(&format!("{}/dashboard", served.base)).await?;
    streamer
        .until("document.querySelector('[data-chat=\"reading\"]') && document.querySelector('[data-steps]').hidden")
        .await?;
    streamer.resize(1280, 816, 1.0).await?;
    streamer
        .until(&format!(
            "document.getAnimations().length === 0 && {} > 15",
            STAND.replace("document", "frames[0].document")
        ))
        .await?;
    publish("dashboard", &streamer.picture().await?)?;
    crowd.stop();
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

/// The same votes as a share, one bar and two, on different grounds. Afterwards all is as before.
async fn looks(streamer: &Tab, overlay: &Tab, painter: &Tab) -> anyhow::Result<Vec<u8>> {
    let mut pictures = Vec::new();
    for name in ["hint", "percentages"] {
        streamer.click(&format!("input[name={name}]")).await?;
    }
    choose(streamer, "mode", "share").await?;
    for (shape, theme) in [("bar", "dark"), ("two_bars", "light"), ("bar", "transparent")] {
        choose(streamer, "shape", shape).await?;
        choose(streamer, "theme", theme).await?;
        save(streamer, overlay, &dressed(shape, theme)).await?;
        if pictures.is_empty() {
            vote(streamer, "for", 13).await?;
            vote(streamer, "against", 7).await?;
            overlay
                .until("document.querySelector('[data-number=\"inside-for\"]').textContent === '65%'")
                .await?;
        }
        overlay.settled().await?;
        pictures.push(overlay.picture().await?);
    }
    painter.show(&scene(&pictures)).await?;
    for name in ["hint", "percentages"] {
        streamer.click(&format!("input[name={name}]")).await?;
    }
    choose(streamer, "mode", "momentum").await?;
    choose(streamer, "theme", "dark").await?;
    save(streamer, overlay, &dressed("bar", "dark")).await?;
    painter.picture().await
}

/// Names and words as a streamer would have them.
async fn choose_words(streamer: &Tab) -> anyhow::Result<()> {
    for (field, word) in [("against_trigger", "2"), ("for_trigger", "1"), ("for_trigger", "PogChamp")] {
        streamer.fill(&format!("#{field}"), word).await?;
        streamer.press("Enter", 13).await?;
    }
    streamer.run("document.querySelector('#decay_speed').focus()").await?;
    streamer.press("ArrowLeft", 37).await?;
    streamer.fill("#left_label", "Run away").await?;
    streamer.fill("#right_label", "Fight!").await?;
    streamer.click("[data-save-button]").await?;
    streamer.until("document.querySelector('[data-save]').dataset.save === 'clean'").await
}

/// The bar after a few votes for one side, glowing from the last one.
async fn lean(streamer: &Tab, overlay: &Tab, side: &str, votes: u32) -> anyhow::Result<Vec<u8>> {
    streamer.click("[data-reset]").await?;
    overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    for _ in 0..votes {
        streamer.click(&format!("[data-test={side}]")).await?;
    }
    let nearly = votes * 7 / 2;
    overlay.until(&format!("Math.abs({STAND}) > {nearly}")).await?;
    overlay.picture().await
}

fn scene(stands: &[Vec<u8>]) -> String {
    let mut bars = String::new();
    for png in stands {
        let _ = write!(bars, "<img width=960 src='{}'>", inline("image/png", png));
    }
    format!(
        "<style>
            body {{ display: grid; gap: 12px; place-content: center; height: 100vh; margin: 0;
                    background: url('{}') center / cover; }}
            img {{ display: block; }}
         </style>{bars}",
        inline("image/svg+xml", GROUND)
    )
}

fn publish(name: &str, png: &[u8]) -> anyhow::Result<()> {
    ensure!(png.len() < BYTES_MAX, "{name}.png has {} bytes", png.len());
    if env::var_os("WRITE_README_PICTURES").is_some_and(|value| value == "1") {
        let folder = workspace().join("docs/images");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{name}.png")), png)?;
    }
    keep(&format!("readme-{name}"), png)
}
