//! The HTTP client for Twitch: every request has a deadline, redirects are not followed.

use std::time::Duration;

use rustls::ClientConfig;
use url::{Host, Url};

use crate::config::TwitchConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Built once, shared by login and Helix.
pub(crate) fn build(config: &TwitchConfig) -> Result<reqwest::Client, reqwest::Error> {
    let mut client = reqwest::Client::builder();
    if is_local(&config.urls.api) {
        // A simulated Twitch on this machine is not behind the company's proxy.
        client = client.no_proxy();
    }
    client
        .tls_backend_preconfigured(ClientConfig::clone(&config.tls))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("ChatPulse/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
