//! Our application at Twitch, as the settings describe it.

use std::sync::Arc;

use anyhow::Context as _;
use chatpulse_twitch::config::{TwitchConfig, TwitchUrls};
use rustls::ClientConfig;

use crate::settings::Settings;
use crate::tls;

/// Our application at Twitch, with TLS.
pub(crate) fn twitch_config(settings: &Settings) -> anyhow::Result<TwitchConfig> {
    let twitch = &settings.twitch;
    Ok(TwitchConfig {
        client_id: twitch.client_id.clone(),
        client_secret: twitch.client_secret.clone(),
        redirect_uri: twitch.redirect_uri.clone(),
        urls: twitch.urls.clone(),
        tls: twitch_tls(&twitch.urls)?,
        transport: twitch.transport.clone(),
    })
}

/// A simulated Twitch is spoken to in clear: no root certificate is needed, and none may be missing.
fn twitch_tls(urls: &TwitchUrls) -> anyhow::Result<Arc<ClientConfig>> {
    let in_clear =
        [&urls.auth, &urls.api, &urls.eventsub].iter().all(|url| ["http", "ws"].contains(&url.scheme()));
    if in_clear { tls::without_roots() } else { tls::client_config() }.context("could not set up TLS")
}
