//! Logs in the demo's streamer once over HTTP, as a browser does.

use std::time::Duration;

use crate::tls;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, redirect};

const HOPS_MAX: usize = 8;

/// Follows the redirects of the login from its first page to the dashboard.
pub(super) async fn log_in(base: &str) -> anyhow::Result<()> {
    let tls = tls::without_roots()?;
    let client = Client::builder()
        // All requests stay on this machine and use plain HTTP. The machine may have no root certificates.
        .tls_backend_preconfigured(rustls::ClientConfig::clone(&tls))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()?;
    let mut url = format!("{base}/auth/start");
    let mut cookie = String::new();
    for _ in 0..HOPS_MAX {
        let mut request = client.get(&url);
        // Send the session cookie to ChatPulse only, not to Twitch.
        if url.starts_with(base) && !cookie.is_empty() {
            request = request.header(COOKIE, cookie.clone());
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        if url.starts_with(base) {
            cookie = cookies(&answer).unwrap_or(cookie);
        }
        let next = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        match next {
            Some("/dashboard") => return Ok(()),
            Some(next) if next.starts_with('/') => url = format!("{base}{next}"),
            Some(next) => next.clone_into(&mut url),
            None => anyhow::bail!("the login ended with {}", answer.status()),
        }
    }
    anyhow::bail!("the login went round in circles")
}

fn cookies(answer: &Response) -> Option<String> {
    let set: Vec<&str> = answer
        .headers()
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .collect();
    (!set.is_empty()).then(|| set.join("; "))
}
