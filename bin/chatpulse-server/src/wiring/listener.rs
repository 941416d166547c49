//! Opens the HTTP ports, and explains how to correct a failure.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use chatpulse_web::{BuildInfo, HttpConfig, OverlayLimits, Server, SessionKey, open_port};

use super::DerivedKeys;
use crate::open_files::OpenFiles;
use crate::settings::Settings;
use url::Url;

/// Version information of this binary.
pub(crate) const BUILD: BuildInfo = BuildInfo {
    version: env!("CARGO_PKG_VERSION"),
    commit: env!("CHATPULSE_COMMIT"),
    built_at: env!("CHATPULSE_BUILT_AT"),
    rustc: env!("CHATPULSE_RUSTC"),
};

/// Opens the configured ports.
pub(super) fn open_ports(settings: &Settings, keys: &DerivedKeys) -> anyhow::Result<Server> {
    let http = &settings.http;
    let files = OpenFiles::of_process(settings);
    files.warn_if_short();
    let public = Names { host: "HOST", port: http.port_option };
    let operators = Names { host: "METRICS_ADDR", port: "METRICS_ADDR" };
    Ok(Server {
        public: open(http.listen, public)?,
        operators: http.metrics_listen.map(|listen| open(listen, operators)).transpose()?,
        config: HttpConfig {
            listen: http.listen,
            public_url: http.public_url.clone(),
            redirect_uri: settings.twitch.redirect_uri.clone(),
            hosts: hosts(settings),
            production: http.production,
            trusted_proxies: http.trusted_proxies.clone(),
            auth_rate: http.auth_rate,
            api_rate: http.api_rate,
            sockets_max: files.connections_max,
            overlays: OverlayLimits { connections_max: files.overlays_max, ..settings.limits.overlays },
            session_max_age: http.session_max_age,
            session_key: SessionKey::new(&keys.session_secret),
            metrics_token: http.metrics_token.clone(),
            build: BUILD,
        },
    })
}

/// What sets host and port, for messages.
#[derive(Clone, Copy)]
struct Names {
    host: &'static str,
    port: &'static str,
}

fn open(listen: SocketAddr, names: Names) -> anyhow::Result<TcpListener> {
    open_port(listen).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "{listen} is taken by another program: stop that one, or choose another port with {}",
            names.port
        ),
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!(
                "{listen} may not be opened by this user: choose a port above 1023 with {}",
                names.port
            )
        }
        ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!(
                "{listen} is not an address of this machine: choose another one with {}",
                names.host
            )
        }
        _ => anyhow::Error::new(error).context(format!("could not listen on {listen}")),
    })
}

/// The names beside those of this machine that requests may be for. `None`: any, since other machines reach the port.
fn hosts(settings: &Settings) -> Option<Vec<String>> {
    let is_private = settings.stores.database.is_sqlite() && settings.http.listen.ip().is_loopback();
    let texts = [Some(&settings.twitch.redirect_uri), settings.twitch.webhook_callback.as_ref()];
    let urls = texts.into_iter().flatten().filter_map(|text| Url::parse(text).ok());
    let urls = urls.chain(settings.http.public_url.clone());
    let name = |url: Url| url.host_str().map(|host| host.trim_end_matches('.').to_owned());
    is_private.then(|| urls.filter_map(name).collect())
}

/// Where the server listens, and the address that people open: the one that logins come back to.
pub(crate) fn addresses(redirect_uri: &str, listen: SocketAddr) -> String {
    let Some(home) = Url::parse(redirect_uri).ok().filter(Url::has_host) else {
        return format!("http://{listen}");
    };
    let is_here = match home.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let origin = home.origin().ascii_serialization();
    if is_here && home.scheme() == "http" && home.port_or_known_default() == Some(listen.port()) {
        return origin;
    }
    format!("http://{listen}; open {origin}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_is_shown_is_the_one_that_logins_come_back_to() {
        let listen = "127.0.0.1:8080".parse().unwrap();
        for (redirect_uri, shown) in [
            ("http://localhost:8080/auth/callback", "http://localhost:8080"),
            ("http://127.0.0.1:8080/auth/callback", "http://127.0.0.1:8080"),
            ("https://pulse.example/auth/callback", "http://127.0.0.1:8080; open https://pulse.example"),
            ("http://localhost/auth/callback", "http://127.0.0.1:8080; open http://localhost"),
        ] {
            assert_eq!(addresses(redirect_uri, listen), shown);
        }
    }
}
