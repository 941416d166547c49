//! The HTTP settings of the operator.

use std::net::SocketAddr;
use std::time::Duration;

use chatpulse_domain::secret::Secret;
use ipnet::IpNet;
use ring::digest::SHA256_OUTPUT_LEN;
use ring::hmac;
use url::Url;

/// How the server listens and which proxies it trusts.
#[derive(Clone)]
pub struct HttpConfig {
    /// The address and port of the public listener, for URLs where the request names no host.
    pub listen: SocketAddr,
    /// Base of every URL shown to a user; `None` uses the host of the request.
    pub public_url: Option<Url>,
    /// The redirect URL as it is registered at Twitch. Browsers come back to its host after a login.
    pub redirect_uri: String,
    /// Host names, beside those of this machine, that requests may be for; `None` allows any.
    pub hosts: Option<Vec<String>>,
    /// Turns on secure cookies and HSTS.
    pub production: bool,
    /// `X-Forwarded-*` is trusted only from these networks.
    pub trusted_proxies: Vec<IpNet>,
    /// Rate limit of `/auth/*`, per address.
    pub auth_rate: RatePerMinute,
    /// Rate limit of the dashboard and `/api`, per address.
    pub api_rate: RatePerMinute,
    /// Maximum number of open connections of the public listener, so that files are left for everything else.
    pub sockets_max: usize,
    /// Limits of overlay sockets.
    pub overlays: OverlayLimits,
    /// How long a login lasts.
    pub session_max_age: Duration,
    /// The key that binds login cookies, OAuth states and CSRF tokens to this installation.
    pub session_key: SessionKey,
    /// Bearer token of `/metrics` and `/version`; `None` asks for none.
    pub metrics_token: Option<Secret>,
    /// The answer of `/version`.
    pub build: BuildInfo,
}

impl HttpConfig {
    /// Whether browsers must send our cookies by TLS only.
    pub(crate) fn secure_cookies(&self) -> bool {
        self.production || self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

/// Requests per minute and address; 0 turns the limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatePerMinute(pub u32);

/// Limits that are checked before an overlay socket is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayLimits {
    /// Maximum number of open sockets on this instance.
    pub connections_max: usize,
    /// Maximum number of open sockets per address.
    pub per_ip_max: usize,
    /// New sockets per address and second.
    pub rate_per_ip: u32,
    /// Maximum burst of new sockets per address.
    pub rate_burst: u32,
}

/// The HMAC key made from the session secret; the hashes of all purposes are derived from it.
#[derive(Clone)]
pub struct SessionKey(hmac::Key);

impl SessionKey {
    /// Makes the key from a secret of any length.
    pub fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
    }

    /// Computes a keyed hash for one purpose; it is not valid for any other purpose.
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

/// The version, source and time of the build.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct BuildInfo {
    /// The version of the package.
    pub version: &'static str,
    /// The commit of the source.
    pub commit: &'static str,
    /// When the binary was built, in RFC 3339.
    pub built_at: &'static str,
    /// The version of the compiler.
    pub rustc: &'static str,
}
