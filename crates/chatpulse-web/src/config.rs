//! What an operator decides about HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use chatpulse_domain::secret::Secret;
use ipnet::IpNet;
use ring::digest::SHA256_OUTPUT_LEN;
use ring::hmac;
use url::Url;

/// How the server listens and whom it believes.
#[derive(Clone)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Base of every address shown to a user; `None`: the request's own host.
    pub public_url: Option<Url>,
    /// Secure cookies and HSTS.
    pub production: bool,
    /// Only from these is `X-Forwarded-*` believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `/auth/*`, per address.
    pub auth_rate: RatePerMinute,
    /// Dashboard and `/api`, per address.
    pub api_rate: RatePerMinute,
    /// Overlay sockets.
    pub overlays: OverlayLimits,
    /// How long a login lasts.
    pub session_max_age: Duration,
    /// What cookies are bound with.
    pub session_key: SessionKey,
    /// Bearer token of `/metrics`; `None`: public.
    pub metrics_token: Option<Secret>,
    /// What `/version` says.
    pub build: BuildInfo,
}

/// Requests per minute and address; 0 turns the limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatePerMinute(pub u32);

/// Limits before an overlay socket is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayLimits {
    /// Open sockets on this instance.
    pub connections_max: usize,
    /// Open sockets of one address.
    pub per_ip_max: usize,
    /// New sockets of one address, per second.
    pub rate_per_ip: u32,
    /// And so many at once.
    pub rate_burst: u32,
}

/// Everything that is derived from the session secret.
#[derive(Clone)]
pub struct SessionKey(hmac::Key);

impl SessionKey {
    /// The secret's bytes, whatever their length.
    pub fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
    }

    /// A keyed hash for one purpose; no purpose's hashes can stand in for another's.
    pub(crate) fn hash(&self, purpose: &str, data: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
        let tag = hmac::sign(&self.0, &[purpose.as_bytes(), &[0], data].concat());
        let mut hash = [0; SHA256_OUTPUT_LEN];
        hash.copy_from_slice(tag.as_ref());
        hash
    }

    /// Compares in constant time.
    pub(crate) fn verifies(&self, purpose: &str, data: &[u8], hash: &[u8]) -> bool {
        hmac::verify(&self.0, &[purpose.as_bytes(), &[0], data].concat(), hash).is_ok()
    }
}

/// What was built, when, from what.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct BuildInfo {
    /// Of the package.
    pub version: &'static str,
    /// Of the source.
    pub commit: &'static str,
    /// RFC 3339.
    pub built_at: &'static str,
    /// The compiler.
    pub rustc: &'static str,
}
