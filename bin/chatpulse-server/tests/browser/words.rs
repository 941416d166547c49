//! Whatever a streamer types is shown as typed, everywhere, and never does anything.

use anyhow::ensure;
use chatpulse_twitch_sim::{ChatLine, Chatter};

use crate::chromium::Chromium;
use crate::newcomer::assert_no_sideways_scroll;
use crate::pictures::keep;
use crate::product::{STREAMER, Served};
use crate::tab::{SOON, Tab};
use crate::watch::all_quiet;

/// A label, and what to type.
fn hostile() -> Vec<(String, String)> {
    let own = |label: &str, trigger: &str| (label.to_owned(), trigger.to_owned());
    vec![
        own("<img src=x onerror=pwned=1>", "<script>window.pwned = 1</script>"),
        own("\"'><svg/onload=pwned=1>", "' \" onfocus=\"pwned=1\" autofocus x=\""),
        own("&lt;b&gt; &amp; &#x27;", "${pwned=1} {{pwned}} </textarea>"),
        own("👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿🙅🏽‍♀️", "👍🏿👍🏿"),
        own("لا، أبدًا (لا)", "כן, בטח"),
        own("a\u{2067}gnihtemos\u{2069}", "\u{2067}sey\u{2069}"),
        (format!("{}!", "W".repeat(49)), format!("{}x", "ab ".repeat(166)) + "y"),
    ]
}

/// Everything on the page that shows it, as text.
async fn shown(tab: &Tab, selector: &str) -> anyhow::Result<Vec<String>> {
    tab.eval(&format!(
        "[...document.querySelectorAll({selector:?})].map((element) => element.value ?? element.textContent)"
    ))
    .await
}

async fn assert_nothing_ran(tab: &Tab) -> anyhow::Result<()> {
    let harmless: bool = tab
        .eval("!('pwned' in window) && !document.querySelector('img[src=x], svg[onload], [onfocus], [onerror]')")
        .await?;
    ensure!(harmless, "something that was typed has become part of the page");
    Ok(())
}

#[tokio::test]
async fn words_are_shown_as_typed_and_do_nothing() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    streamer.click("input[name=hint]").await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    assert!(served.sim.wait_until_subscribed(STREAMER.0, SOON).await);

    for (number, (label, trigger)) in hostile().into_iter().enumerate() {
        streamer.fill("#right_label", &label).await?;
        streamer.run("document.querySelector('[data-chips=for_trigger] [data-chip-list]').querySelectorAll('button').forEach((x) => x.click())").await?;
        streamer.fill("#for_trigger", &trigger).await?;
        streamer.press("Enter", 13).await?;
        streamer.click("[data-save-button]").await?;
        streamer.until("document.querySelector('[data-save]').dataset.save === 'clean'").await?;
        let (label, trigger) = (serde_json::json!(label), serde_json::json!(trigger));
        overlay
            .until(&format!(
                "document.querySelector('.bar-end-for > [data-label=right]').textContent === {label}
                 && document.querySelector('.bar-end-for [data-trigger=for]').textContent === {trigger}"
            ))
            .await?;
        // Also for who comes later, and for the streamer after a reload.
        for tab in [&overlay, &streamer] {
            let here: String = tab.eval("location.href").await?;
            tab.goto(&here).await?;
        }
        overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
        let label = label.as_str().unwrap_or_default();
        let trigger = trigger.as_str().unwrap_or_default();
        ensure!(shown(&overlay, ".bar-end-for > [data-label=right]").await? == [label], "{label}");
        ensure!(shown(&overlay, "[data-trigger=for]").await? == [trigger], "{trigger}");
        ensure!(shown(&streamer, "#right_label").await? == [label], "{label}");
        let chips = shown(&streamer, "[data-chips=for_trigger] [data-chip-list] input").await?;
        ensure!(chips == [trigger], "{trigger} became {chips:?}");
        let said: String =
            streamer.eval("fetch('/dashboard/export').then((answer) => answer.text())").await?;
        let export: serde_json::Value = serde_json::from_str(&said)?;
        ensure!(export.to_string().contains(&serde_json::json!(trigger).to_string()), "{export}");
        assert_nothing_ran(&streamer).await?;
        assert_nothing_ran(&overlay).await?;
        keep(&format!("overlay-words-{number}"), &overlay.picture().await?)?;
        // And it is what counts.
        let before: f64 = overlay.eval(crate::overlay::STAND).await?;
        served.sim.say(ChatLine::new(STREAMER.0, Chatter::named(format!("v{number}")), trigger)).await;
        overlay.until(&format!("{} > {before} + 1", crate::overlay::STAND)).await?;
    }
    streamer.resize(390, 844, 1.0).await?;
    assert_no_sideways_scroll(&streamer).await?;
    keep("dashboard-words-390", &streamer.whole_page().await?)?;
    all_quiet(&overlay, &[served.host()])?;
    all_quiet(&streamer, &[served.host(), &served.twitch()])?;
    browser.close().await
}
