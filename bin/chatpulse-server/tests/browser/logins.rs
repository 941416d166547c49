//! Where a streamer is logged in, the end of it, and what somebody sees who may not log in.

use anyhow::ensure;

use crate::chromium::Chromium;
use crate::newcomer::assert_no_sideways_scroll;
use crate::pages::keep_error;
use crate::pictures::keep;
use crate::product::Served;
use crate::watch::quiet_but_for;

#[tokio::test]
async fn a_streamer_sees_where_they_are_logged_in_and_ends_it() -> anyhow::Result<()> {
    let served = Served::start(&[("API_RATE_PER_MINUTE", "0"), ("AUTH_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let (other, tab) = (browser.visitor(1280, 900).await?, browser.visitor(1280, 900).await?);
    served.log_in(&other).await?;
    served.log_in(&tab).await?;
    let rows = "document.querySelectorAll('.login-row').length";
    ensure!(tab.eval::<u32>(rows).await? == 2, "two logins are listed");
    let first: String = tab.eval("document.querySelector('.login-row').textContent").await?;
    ensure!(first.contains("Chrome on Linux") && first.contains("This browser"), "{first}");
    for width in [1280, 390] {
        tab.resize(width, 900, 1.0).await?;
        assert_no_sideways_scroll(&tab).await?;
        tab.run("document.querySelector('#logins').scrollIntoView({ block: 'center' })").await?;
        tab.settled().await?;
        keep(&format!("logins-{width}"), &tab.picture().await?)?;
    }
    tab.resize(1280, 900, 1.0).await?;
    tab.click(".login-row:nth-child(2) button").await?;
    tab.until(&format!("location.pathname === '/dashboard' && {rows} === 1")).await?;
    other.goto(&format!("{}/dashboard", served.base)).await?;
    other.until("location.pathname === '/auth/login'").await?;

    // What the dashboard kept in the browser goes with the login.
    tab.run("localStorage.setItem('draft', 'mine')").await?;
    tab.click(".login-row button").await?;
    tab.until("location.pathname === '/auth/login' && localStorage.getItem('draft') === null").await?;
    tab.goto(&format!("{}/dashboard", served.base)).await?;
    tab.until("location.pathname === '/auth/login'").await?;
    for tab in [&other, &tab] {
        quiet_but_for(tab, &[served.host(), &served.twitch()], &["status of 401"])?;
    }
    browser.close().await
}

#[tokio::test]
async fn somebody_who_may_not_log_in_reads_why() -> anyhow::Result<()> {
    let served = Served::start(&[("ALLOWED_STREAMERS", "somebody_else")]).await?;
    let browser = Chromium::start().await?;
    let visitor = browser.visitor(1280, 900).await?;
    served.agree();
    visitor.goto(&format!("{}/auth/login", served.base)).await?;
    visitor.click(".button-twitch").await?;
    keep_error(&visitor, "error-403-login").await?;
    visitor.goto(&format!("{}/auth/callback?error=redirect_mismatch", served.base)).await?;
    keep_error(&visitor, "error-400-redirect").await?;
    quiet_but_for(&visitor, &[served.host(), &served.twitch()], &["status of 403", "status of 400"])?;
    browser.close().await
}
