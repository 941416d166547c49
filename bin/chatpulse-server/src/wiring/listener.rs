//! Opens the HTTP ports, and explains how to correct a failure.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use chatpulse_web::{BuildInfo, HttpConfig, OverlayLimits, Server, SessionKey, open_port};

use super::DerivedKeys;
use crate::open_files::OpenFiles;
use crate::settings::Settings;

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
