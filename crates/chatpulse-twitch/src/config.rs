//! Our application at Twitch, and which Twitch that is.

use std::sync::Arc;

use chatpulse_domain::secret::Secret;
use rustls::ClientConfig;
use url::Url;

use crate::proxy::Proxies;

/// Our application at Twitch.
#[derive(Clone)]
pub struct TwitchConfig {
    /// Public name of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Where Twitch sends browsers back to; registered with the application.
    pub redirect_uri: String,
    /// Twitch, or a simulation of it.
    pub urls: TwitchUrls,
    /// Roots and versions for every connection.
    pub tls: Arc<ClientConfig>,
    /// Proxies between us and Twitch.
    pub proxies: Proxies,
    /// How chat reaches us.
    pub transport: Transport,
}

/// Base URLs, without a slash at the end.
#[derive(Debug, Clone)]
pub struct TwitchUrls {
    /// `https://id.twitch.tv/oauth2`
    pub auth: Url,
    /// `https://api.twitch.tv/helix`
    pub api: Url,
    /// `wss://eventsub.wss.twitch.tv/ws`
    pub eventsub: Url,
}

/// How chat reaches us.
#[derive(Debug, Clone)]
pub enum Transport {
    /// We connect to Twitch: needs no public address.
    WebSocket,
    /// Twitch posts to us.
    Webhook {
        /// Our public address for it.
        callback: String,
        /// What Twitch signs with.
        secret: Secret,
    },
}

/// A URL below a base, whatever slashes either has.
pub(crate) fn below(base: &Url, path: &str) -> String {
    format!("{}/{}", base.as_str().trim_end_matches('/'), path.trim_start_matches('/'))
}
