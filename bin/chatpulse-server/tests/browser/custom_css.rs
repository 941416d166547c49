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
                assert_box(&overlay).await?;
            }
            "line" => assert_line(&overlay).await?,
            _ => assert_upright(&overlay).await?,
        }
        streamer.click("[data-reset]").await?;
        overlay.until("document.querySelector('.bar').dataset.state === 'rest'").await?;
    }
    all_quiet(&overlay, &[served.host()])?;
    browser.close().await
}

async fn assert_box(overlay: &Tab) -> anyhow::Result<()> {
    for (selector, property, expected) in [
        (".bar", "font-size", "26px"),
        (".bar-pill", "border-top-left-radius", "18px"),
        (".bar-pill", "background-color", "rgba(34, 12, 58, 0.62)"),
        (".bar-end-for", "color", "rgb(125, 255, 208)"),
        (".bar-label", "text-transform", "uppercase"),
    ] {
        let found = style(overlay, selector, property).await?;
        ensure!(found == expected, "{property} of {selector} is {found}");
    }
    Ok(())
}

/// As wide as the source, at its lower edge, without words.
async fn assert_line(overlay: &Tab) -> anyhow::Result<()> {
    ensure!(style(overlay, ".bar-end", "display").await? == "none");
    let (width, bottom): (f64, f64) = overlay
        .eval(
            "((box) => [box.width, box.bottom])(document.querySelector('.bar-rail').getBoundingClientRect())",
        )
        .await?;
    let is_at_the_edge = (width - 1920.0).abs() < 0.5 && (bottom - 40.0).abs() < 0.5;
    ensure!(is_at_the_edge, "the line is {width} px wide and ends at {bottom}");
    Ok(())
}

/// For is up and against is down, the words are level, and the fill goes up.
async fn assert_upright(overlay: &Tab) -> anyhow::Result<()> {
    let (above, below): (f64, f64) = overlay
        .eval("['for', 'against'].map((side) => document.querySelector(`.bar-end-${side}`).getBoundingClientRect().top)")
        .await?;
    ensure!(above < 100.0 && below > 450.0, "for is at {above}, against at {below}");
    let (width, height): (f64, f64) = overlay
        .eval("((box) => [box.width, box.height])(document.querySelector('.bar-end-against > .bar-label').getBoundingClientRect())")
        .await?;
    ensure!(width > height, "the words are {width} px wide and {height} px high");
    let (marker, notch): (f64, f64) = overlay
        .eval("['.bar-marker', '.bar-notch'].map((part) => document.querySelector(part).getBoundingClientRect().top)")
        .await?;
    ensure!(marker < notch, "the marker is at {marker}, below the centre at {notch}");
    Ok(())
}

/// A streamer's look is theirs in place of the overlay too, and no style element says anything elsewhere.
#[tokio::test]
async fn custom_css_works_below_overlay_and_nowhere_else() -> anyhow::Result<()> {
    const COLOURED: &str = "rgb(1, 2, 3)";
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let tab = browser.visitor(800, 120).await?;
    for (path, selector, works) in [
        ("/overlay/8f7a0000-0000-4000-8000-000000000000", ".overlay-note", true),
        ("/overlay/nonsense", ".overlay-note", true),
        ("/auth/login", "h1", false),
        ("/nowhere", "h1", false),
    ] {
        tab.goto(&format!("{}{path}", served.base)).await?;
        apply(&tab, &format!("{selector} {{ color: {COLOURED} !important; }}")).await?;
        let coloured = style(&tab, selector, "color").await? == COLOURED;
        ensure!(coloured == works, "{path} takes Custom CSS: {coloured}");
    }
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
