//! Opens the HTTP port, and explains how to correct a failure.

use chatpulse_web::{BuildInfo, HttpConfig, Server, SessionKey};

use super::DerivedKeys;
use crate::settings::Settings;

/// Version information of this binary.
pub(crate) const BUILD: BuildInfo = BuildInfo {
    version: env!("CARGO_PKG_VERSION"),
    commit: env!("CHATPULSE_COMMIT"),
    built_at: env!("CHATPULSE_BUILT_AT"),
    rustc: env!("CHATPULSE_RUSTC"),
};

/// Opens the configured port.
pub(super) fn open_port(settings: &Settings, keys: &DerivedKeys) -> anyhow::Result<Server> {
    let http = &settings.http;
    let config = HttpConfig {
        listen: http.listen,
        public_url: http.public_url.clone(),
        production: http.production,
        trusted_proxies: http.trusted_proxies.clone(),
        auth_rate: http.auth_rate,
        api_rate: http.api_rate,
        overlays: settings.limits.overlays,
        session_max_age: http.session_max_age,
        session_key: SessionKey::new(&keys.session_secret),
        metrics_token: http.metrics_token.clone(),
        build: BUILD,
    };
    Server::bind(config).map_err(|error| {
        let listen = http.listen;
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow::anyhow!("{listen} is taken by another program: stop that one, or choose another PORT")
            }
            std::io::ErrorKind::PermissionDenied => {
                anyhow::anyhow!("{listen} may not be opened by this user: choose a PORT above 1023")
            }
            std::io::ErrorKind::AddrNotAvailable => {
                anyhow::anyhow!("{listen} is not an address of this machine: choose another HOST")
            }
            _ => anyhow::Error::new(error).context(format!("could not listen on {listen}")),
        }
    })
}
