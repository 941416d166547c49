//! The one HTTP client for Twitch: deadlines on everything, no redirects, no URL in any error.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Built once, shared by login and Helix.
pub(crate) fn build(tls: &Arc<ClientConfig>) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("ChatPulse/", env!("CARGO_PKG_VERSION")))
        .build()
}
