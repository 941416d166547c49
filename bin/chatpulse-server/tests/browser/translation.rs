//! A browser that translates pages leaves data alone: triggers, labels, names, URLs, codes.

use anyhow::ensure;

use crate::chromium::Chromium;
use crate::product::{STREAMER, Served};
use crate::tab::Tab;

/// Everything on the page, frames of our own included, that holds one of these texts and may be translated: the text,
/// and the markup of its element. A `true` in `element.translate` is what a translator goes by; the class is for older
/// ones.
const FIND: &str = "((data) => {
    const found = [];
    const look = (document) => {
        const note = (element, text) => {
            for (const part of data) {
                if (!text.includes(part)) continue;
                if (!element.translate && element.closest('.notranslate')) continue;
                found.push([part, element.outerHTML.slice(0, 300)]);
            }
        };
        const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
        for (let node = walker.currentNode; node; node = walker.nextNode()) {
            if (node.nodeType === Node.TEXT_NODE) {
                if (!node.parentElement.closest('script, style, noscript')) note(node.parentElement, node.data);
                continue;
            }
            if (node.matches('input, textarea') && node.type !== 'hidden') note(node, node.value);
            // What translators change beside text.
            for (const name of ['title', 'placeholder', 'alt', 'aria-label']) note(node, node.getAttribute(name) ?? '');
            if (node.localName === 'iframe' && node.contentDocument) look(node.contentDocument);
        }
    };
    look(document);
    return found;
})";

/// Demands that each of these texts is on the page, and that no translator may touch it.
async fn assert_left_alone(tab: &Tab, what: &str, data: &[&str]) -> anyhow::Result<()> {
    for part in data {
        let there: bool = tab
            .eval(&format!(
                "((part) => document.documentElement.textContent.includes(part)
                    || [...document.querySelectorAll('input')].some((input) => input.type !== 'hidden' && input.value.includes(part)))({part:?})"
            ))
            .await?;
        ensure!(there, "{what} doesn't show {part}");
    }
    let found: Vec<(String, String)> = tab.eval(&format!("{FIND}({})", serde_json::to_string(data)?)).await?;
    ensure!(found.is_empty(), "{what} lets these be translated: {found:#?}");
    Ok(())
}

#[tokio::test]
async fn pages_before_the_login_leave_data_alone() -> anyhow::Result<()> {
    let (_, login, name) = STREAMER;
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let tab = browser.visitor(1280, 900).await?;
    tab.goto(&format!("{}/auth/login", served.base)).await?;
    assert_left_alone(&tab, "the login page", &["Fight!", "Run!", "yes"]).await?;
    tab.click(".button-twitch").await?;
    tab.until("document.querySelector('.no')").await?;
    assert_consent(&tab, &[name, login, served.host()]).await?;
    tab.goto(&format!("{}/nowhere", served.base)).await?;
    let id: String = tab.eval("document.querySelector('.lone-id code').textContent").await?;
    assert_left_alone(&tab, "an error", &[&id]).await?;
    browser.close().await
}

#[tokio::test]
async fn dashboard_and_overlay_leave_data_alone() -> anyhow::Result<()> {
    let (_, login, name) = STREAMER;
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let tab = browser.visitor(1280, 900).await?;
    served.log_in(&tab).await?;
    let url = served.overlay_of(&tab).await?;
    let secret = url.rsplit('/').next().unwrap_or_default().to_owned();
    tab.until("document.querySelector('[data-chat]').dataset.chat !== 'unknown'").await?;
    let of_the_page = [name, login, "yes", "!pulse reset", "800 × 100"];
    assert_left_alone(&tab, "the dashboard of somebody new", &of_the_page).await?;
    tab.click("[data-show]").await?;
    for (field, text) in [("#left_label", "Neinlabel"), ("#right_label", "Jalabel")] {
        tab.fill(field, text).await?;
    }
    for side in ["for", "against"] {
        tab.fill(&format!("#{side}_trigger"), "jawort").await?;
        tab.press("Enter", 13).await?;
    }
    let data = [name, login, "jawort", "Neinlabel", "Jalabel", &secret, "yes"];
    tab.until("document.querySelector('[data-below=against_trigger]').textContent.includes('jawort')")
        .await?;
    assert_left_alone(&tab, "the dashboard with a clash", &data).await?;
    tab.click("[data-save-button]").await?;
    tab.until("document.querySelector('[data-save]').dataset.save === 'failed'").await?;
    assert_left_alone(&tab, "the dashboard that could not be saved", &data).await?;
    tab.run(
        "document.querySelectorAll('[data-chips=against_trigger] .chip')[1].querySelector('button').click()",
    )
    .await?;
    tab.click("input[name=hint]").await?;
    tab.click("[data-save-button]").await?;
    tab.until("document.querySelector('[data-save]').dataset.save === 'clean'").await?;
    assert_left_alone(&tab, "the dashboard", &data).await?;

    tab.scripts(false).await?;
    tab.goto(&format!("{}/dashboard", served.base)).await?;
    tab.scripts(true).await?;
    assert_left_alone(&tab, "the dashboard without script", &data).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&url).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    assert_left_alone(&overlay, "the overlay", &["Neinlabel", "Jalabel", "yes"]).await?;
    browser.close().await
}

/// The simulated Twitch is not ours to style, but its names are names.
async fn assert_consent(tab: &Tab, data: &[&str]) -> anyhow::Result<()> {
    let found: Vec<(String, String)> = tab.eval(&format!("{FIND}({})", serde_json::to_string(data)?)).await?;
    let translated: Vec<_> =
        found.iter().filter(|(_, element)| !element.contains("translate=\"no\"")).collect();
    ensure!(translated.is_empty(), "the consent page lets these be translated: {translated:#?}");
    Ok(())
}
