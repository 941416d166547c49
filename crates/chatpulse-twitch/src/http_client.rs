//! The HTTP client for Twitch: every request has a deadline, redirects are not followed, and no
//! proxy is used but those of the configuration.

use std::time::Duration;

use rustls::ClientConfig;

use crate::config::TwitchConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Built once, shared by login and Helix.
pub(crate) fn build(config: &TwitchConfig) -> Result<reqwest::Client, reqwest::Error> {
    config
        .proxies
        .of_requests(reqwest::Client::builder())?
        .tls_backend_preconfigured(ClientConfig::clone(&config.tls))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("ChatPulse/", env!("CARGO_PKG_VERSION")))
        .build()
}
