//! The pages beside the road: consent, cancelled login, errors.

use anyhow::ensure;
use chatpulse_twitch_sim::{Endpoint, Fault};

use crate::chromium::Chromium;
use crate::newcomer::assert_no_sideways_scroll;
use crate::pictures::keep;
use crate::product::Served;
use crate::tab::Tab;
use crate::watch::{all_quiet, quiet_but_for};

#[tokio::test]
async fn a_cancelled_login_and_every_error_have_a_page_for_people() -> anyhow::Result<()> {
    let served = Served::start(&[("AUTH_RATE_PER_MINUTE", "16")]).await?;
    let browser = Chromium::start().await?;
    let visitor = browser.visitor(1280, 900).await?;
    let login = format!("{}/auth/login", served.base);

    visitor.goto(&login).await?;
    visitor.click(".button-twitch").await?;
    visitor.until("document.querySelector('.no')").await?;
    keep("consent-1280", &visitor.picture().await?)?;
    visitor.resize(390, 844, 1.0).await?;
    assert_no_sideways_scroll(&visitor).await?;
    keep("consent-390", &visitor.picture().await?)?;
    visitor.click(".no").await?;
    visitor.until("document.querySelector('.login-message')").await?;
    keep("login-cancelled-390", &visitor.picture().await?)?;
    keep("login-cancelled-390-whole", &visitor.whole_page().await?)?;
    visitor.resize(1280, 900, 1.0).await?;
    keep("login-cancelled-1280", &visitor.picture().await?)?;

    for (name, path) in [("error-404", "/nowhere"), ("error-400-login", "/auth/callback?code=x&state=y")] {
        visitor.goto(&format!("{}{path}", served.base)).await?;
        keep_error(&visitor, name).await?;
    }
    // Twitch does not answer just when somebody comes back from it.
    served.agree();
    assert!(served.sim.wait_until(crate::tab::SOON, |sim| sim.app_tokens() == 1).await);
    served.sim.fail_next(Endpoint::Token, &Fault::status(503), 1);
    visitor.goto(&login).await?;
    visitor.click(".button-twitch").await?;
    keep_error(&visitor, "error-502").await?;
    let refused = format!(
        "(async () => {{
            const answer = await fetch('{}/auth/login', {{ cache: 'no-store' }});
            return answer.status === 429;
        }})()",
        served.base
    );
    visitor.until(&refused).await?;
    visitor.goto(&login).await?;
    keep_error(&visitor, "error-429").await?;
    let twitch = served.twitch();
    quiet_but_for(
        &visitor,
        &[served.host(), &twitch],
        &["status of 404", "status of 400", "status of 429", "status of 502"],
    )?;
    browser.close().await
}

/// An error page at both widths.
pub(crate) async fn keep_error(visitor: &Tab, name: &str) -> anyhow::Result<()> {
    visitor.until("document.querySelector('.lone h1')").await?;
    let (status, path): (String, String) =
        visitor.eval("[document.querySelector('.lone-status').textContent, location.pathname]").await?;
    ensure!(name.contains(&status), "{path} says {status}, not {name}");
    visitor.resize(390, 844, 1.0).await?;
    assert_no_sideways_scroll(visitor).await?;
    keep(&format!("{name}-390"), &visitor.picture().await?)?;
    visitor.resize(1280, 900, 1.0).await?;
    keep(name, &visitor.picture().await?)
}

#[tokio::test]
async fn a_form_that_is_not_ours_is_refused_in_words() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    streamer.click(".menu summary").await?;
    streamer.run("document.querySelector('.menu-body input').value = 'forged'").await?;
    keep("dashboard-menu", &streamer.picture().await?)?;
    streamer.click(".menu-item").await?;
    keep_error(&streamer, "error-403").await?;
    let twitch = served.twitch();
    quiet_but_for(&streamer, &[served.host(), &twitch], &["status of 403"])?;
    browser.close().await
}

/// Whoever only ever says that all is quiet may be asleep.
#[tokio::test]
async fn what_must_not_happen_would_be_noticed() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    for mischief in [
        "console.error('mischief')",
        "setTimeout(() => { throw new Error('mischief') })",
        "document.body.setAttribute('style', 'color: red')",
        "new Image().src = 'http://127.0.0.1:9/elsewhere.png'",
        "fetch('/nowhere')",
    ] {
        let visitor = browser.visitor(400, 400).await?;
        visitor.goto(&format!("{}/auth/login", served.base)).await?;
        all_quiet(&visitor, &[served.host()])?;
        visitor.run(mischief).await?;
        visitor.until("new Promise((later) => setTimeout(later, 50, true))").await?;
        let noticed = all_quiet(&visitor, &[served.host()]).is_err();
        ensure!(noticed, "nobody noticed {mischief}");
    }
    browser.close().await
}
