//! What axe-core says about each page. It is kept in `axe/` with its licence, and never served.

use anyhow::ensure;
use serde::Deserialize;

use crate::chromium::Chromium;
use crate::product::Served;
use crate::tab::Tab;

const AXE: &str = include_str!("axe/axe.min.js");

#[derive(Debug, Deserialize)]
struct Violation {
    id: String,
    help: String,
    nodes: Vec<String>,
}

/// No rule of axe-core is broken, in either width.
async fn assert_accessible(tab: &Tab, what: &str) -> anyhow::Result<()> {
    tab.run(AXE).await?;
    for width in [1280, 390] {
        tab.resize(width, 900, 1.0).await?;
        tab.settled().await?;
        let violations: Vec<Violation> = tab
            .eval(
                "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, help, nodes }) => ({
                    id, help, nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`),
                })))",
            )
            .await?;
        let said: Vec<String> = violations
            .iter()
            .map(|found| format!("{}: {} {:#?}", found.id, found.help, found.nodes))
            .collect();
        ensure!(said.is_empty(), "{what} at {width} px: {}", said.join("\n"));
    }
    Ok(())
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0"), ("AUTH_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let tab = browser.visitor(1280, 900).await?;
    for path in [
        "/auth/login",
        "/auth/login?notice=cancelled",
        "/auth/login?notice=deleted",
        "/no/such/page",
        "/overlay/no-uuid",
        "/overlay/8f7a0000-0000-4000-8000-000000000000",
    ] {
        tab.goto(&format!("{}{path}", served.base)).await?;
        assert_accessible(&tab, path).await?;
    }
    served.log_in(&tab).await?;
    tab.until("document.querySelector('[data-chat]').dataset.chat !== 'unknown'").await?;
    assert_accessible(&tab, "the dashboard").await?;
    let overlay_url = served.overlay_of(&tab).await?;

    tab.click("[data-menu] summary").await?;
    assert_accessible(&tab, "the dashboard with its menu").await?;
    tab.run("document.querySelector('[data-menu]').open = false").await?;
    tab.click("input[name=mode][value=share]").await?;
    tab.fill("#window_secs", "4").await?;
    tab.fill("#left_label", "").await?;
    tab.click("[data-save-button]").await?;
    tab.until("document.querySelector('[data-save]').dataset.save === 'failed'").await?;
    assert_accessible(&tab, "the dashboard with mistakes").await?;
    tab.click("details.leaving summary").await?;
    assert_accessible(&tab, "the dashboard, about to leave").await?;

    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&overlay_url).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    assert_accessible(&overlay, "the overlay").await?;
    browser.close().await
}
