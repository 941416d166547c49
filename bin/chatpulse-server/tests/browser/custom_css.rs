//! Custom CSS as OBS adds it, with the examples of the documentation.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, ensure};

use crate::appearance::vote;
use crate::chromium::Chromium;
use crate::pictures::{assert_transparent, keep, workspace};
use crate::product::Served;
use crate::tab::Tab;
use crate::watch::all_quiet;

/// What OBS fills in by itself.
const DEFAULT: &str = "body { background-color: rgba(0, 0, 0, 0); margin: 0px auto; overflow: hidden; }";

/// The page of the documentation.
fn page() -> anyhow::Result<String> {
    Ok(fs::read_to_string(workspace().join("docs/overlay-css.md"))?)
}

/// Adds a style sheet as obs-browser does when a page has loaded: a style element with one text, at the end of the head.
/// Source: obs-browser, `BrowserClient::OnLoadEnd`.
async fn apply(overlay: &Tab, css: &str) -> anyhow::Result<()> {
    let css = serde_json::json!(css);
    overlay
        .run(&format!(
            "const obsCSS = document.createElement('style');
             obsCSS.appendChild(document.createTextNode({css}));
             document.querySelector('head').appendChild(obsCSS)"
        ))
        .await
}

/// A computed style of an element.
async fn style(overlay: &Tab, selector: &str, property: &str) -> anyhow::Result<String> {
    overlay
        .eval(&format!(
            "getComputedStyle(document.querySelector({selector:?})).getPropertyValue({property:?}).trim()"
        ))
        .await
}

/// Everything that is seen of a selector lies in the source.
async fn assert_whole(overlay: &Tab, selector: &str) -> anyhow::Result<()> {
    let outside: Vec<String> = overlay
        .eval(&format!(
            "[...document.querySelectorAll({selector:?})].map((element) => element.getBoundingClientRect())
                .filter((box) => box.left < -0.5 || box.top < -0.5 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5)
                .map((box) => JSON.stringify(box))"
        ))
        .await?;
    ensure!(outside.is_empty(), "{selector} sticks out of the source: {outside:?}");
    Ok(())
}

async fn connected(overlay: &Tab, url: &str) -> anyhow::Result<()> {
    overlay.goto(url).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await
}

#[tokio::test]
async fn the_three_examples_of_custom_css_work() -> anyhow::Result<()> {
    let text = page()?;
    let examples: Vec<&str> =
        text.split("```css\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [boxed, line, upright] = examples[..] else {
        anyhow::bail!("there are {} examples", examples.len());
    };
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let url = served.overlay_of(&streamer).await?;
    let overlay = browser.visitor(800, 120).await?;
    overlay.see_through().await?;
    let painter = browser.visitor(100, 100).await?;

    connected(&overlay, &url).await?;
    let usual = style(&overlay, ".bar", "font-size").await?;
    apply(&overlay, DEFAULT).await?;
    ensure!(style(&overlay, ".bar", "font-size").await? == usual, "what OBS fills in changes nothing");
    for (name, css, width, height) in
        [("box", boxed, 800, 120), ("line", line, 1920, 40), ("upright", upright, 120, 600)]
    {
        overlay.resize(width, height, 1.0).await?;
        connected(&overlay, &url).await?;
        apply(&overlay, DEFAULT).await?;
        apply(&overlay, css).await?;
        overlay.until(&format!("innerWidth === {width}")).await?;
        vote(&streamer, "for", 6).await?;
        overlay.until("document.querySelector('.bar').dataset.leads === 'for'").await?;
        overlay.until("new Promise((later) => setTimeout(later, 400, true))").await?;
        let png = overlay.picture().await?;
        keep(&format!("css-{name}"), &png)?;
        assert_whole(&overlay, ".bar-pill, .bar-label, .bar-track").await?;
        match name {
            "box" => {
                assert_transparent(&painter, &png).await?;
                ensure!(style(&overlay, ".bar", "font-size").await? == "26px");
                ensure!(style(&overlay, ".bar-pill", "border-top-left-radius").await? == "18px");
                ensure!(style(&overlay, ".bar-pill", "background-color").await? == "rgba(34, 12, 58, 0.62)");
                ensure!(style(&overlay, ".bar-end-for", "color").await? == "rgb(125, 255, 208)");
                ensure!(style(&overlay, ".bar-label", "text-transform").await? == "uppercase");
            }
            "line" => {
                ensure!(style(&overlay, ".bar-end", "display").await? == "none");
                let (width, bottom): (f64, f64) = overlay
                    .eval("((box) => [box.width, box.bottom])(document.querySelector('.bar-rail').getBoundingClientRect())")
                    .await?;
                ensure!(
                    (width, bottom) == (1920.0, 40.0),
                    "the line is {width} px wide and ends at {bottom}"
                );
            }
            _ => {
                let (top, bottom): (f64, f64) = overlay
                    .eval("['.bar-end-for', '.bar-end-against'].map((end) => document.querySelector(end).getBoundingClientRect().top)")
                    .await?;
                ensure!(top < 100.0 && bottom > 450.0, "for is at {top}, against at {bottom}");
                let turns: String = overlay
                    .eval("(([bar, end]) => getComputedStyle(bar).transform + getComputedStyle(end).transform)([...document.querySelectorAll('.bar, .bar-end-for')])")
                    .await?;
                ensure!(turns.matches("matrix(0, ").count() + turns.matches("e-17").count() >= 1, "{turns}");
            }
        }
        streamer.click("[data-reset]").await?;
        overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    }
    all_quiet(&overlay, &[served.host()])?;

    // In place of an overlay too: the streamer's look stays theirs.
    overlay.goto(&format!("{}/overlay/8f7a0000-0000-4000-8000-000000000000", served.base)).await?;
    apply(&overlay, ".overlay-note { color: rgb(1, 2, 3); }").await?;
    ensure!(style(&overlay, ".overlay-note", "color").await? == "rgb(1, 2, 3)");
    // Nowhere else may a style element say anything.
    streamer.run("document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { color: rgb(1, 2, 3) !important; }' }))").await?;
    ensure!(style(&streamer, "body", "color").await? != "rgb(1, 2, 3)", "the dashboard takes inline styles");
    browser.close().await
}

/// The code in the first cells of a table of the documentation.
fn table(text: &str, heading: &str) -> anyhow::Result<BTreeSet<String>> {
    let part = text.split(&format!("## {heading}\n")).nth(1).with_context(|| format!("no {heading}"))?;
    let part = part.split("\n## ").next().unwrap_or_default();
    let cells = part.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    Ok(cells
        .flat_map(|(cell, _)| cell.split(", ").map(|name| name.replace('`', "")).collect::<Vec<_>>())
        .collect())
}

#[tokio::test]
async fn every_attribute_and_variable_of_the_documentation_is_there() -> anyhow::Result<()> {
    let text = page()?;
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.before_scripts("window.obsstudio = { pluginVersion: '2.24.4' }").await?;
    connected(&overlay, &served.overlay_of(&streamer).await?).await?;

    // What the page uses for itself, and settings that draw nothing.
    let own = [
        "socket",
        "config",
        "preview",
        "hint",
        "counts",
        "percentages",
        "mod-commands",
        "until-reset",
        "one-vote-each",
    ];
    let own: BTreeSet<String> = own.iter().map(|name| format!("data-{name}")).collect();
    let all: BTreeSet<String> = overlay
        .eval("document.querySelector('.bar').getAttributeNames().filter((name) => name.startsWith('data-'))")
        .await?;
    let promised: BTreeSet<String> = all.difference(&own).cloned().collect();
    let documented = table(&text, "Attributes of the bar")?;
    ensure!(documented == promised, "documented {documented:?}, on the bar {promised:?}");

    let variables = table(&text, "Variables")?;
    ensure!(variables.len() > 10, "{variables:?}");
    for variable in variables {
        ensure!(!style(&overlay, ".bar", &variable).await?.is_empty(), "{variable} is empty");
        let coloured = ["for-", "against-"].iter().any(|side| variable.starts_with(&format!("--{side}")));
        let important = if coloured { " !important" } else { "" };
        apply(&overlay, &format!(".bar {{ {variable}: rgb(1, 2, 3){important}; }}")).await?;
        ensure!(style(&overlay, ".bar", &variable).await? == "rgb(1, 2, 3)", "{variable} can't be set");
    }
    browser.close().await
}
