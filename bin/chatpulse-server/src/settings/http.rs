//! HTTP settings: listener, public URL, cookies, metrics.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use chatpulse_domain::secret::Secret;
use chatpulse_web::RatePerMinute;
use ipnet::IpNet;
use url::Url;

use super::reader::Reader;
use super::web_url;

const AUTH_RATE: u32 = 20;
const API_RATE: u32 = 120;
const SESSION_MAX_AGE: Duration = Duration::from_hours(168);

pub(crate) struct HttpSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<Url>,
    pub(crate) production: bool,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) auth_rate: RatePerMinute,
    pub(crate) api_rate: RatePerMinute,
    pub(crate) session_max_age: Duration,
    pub(crate) metrics_token: Option<Secret>,
    /// A listener for metrics, version and health, which then leaves the public one without the first two.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// What sets the port, for messages.
    pub(crate) port_option: &'static str,
}

impl HttpSettings {
    /// Returns the defaults with this listen address.
    pub(crate) fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            public_url: None,
            production: false,
            trusted_proxies: Vec::new(),
            auth_rate: RatePerMinute(AUTH_RATE),
            api_rate: RatePerMinute(API_RATE),
            session_max_age: SESSION_MAX_AGE,
            metrics_token: None,
            metrics_listen: None,
            port_option: "PORT",
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, production: bool) -> Option<Self> {
        let default_host = if production { "0.0.0.0" } else { "127.0.0.1" };
        let host =
            reader.parse("HOST", default_host, "an IP address such as 127.0.0.1 or 0.0.0.0", parse_host);
        let port = reader
            .parse("PORT", "8080", "a port from 0 to 65535 (0: any free one)", |text| text.parse().ok());
        let public_url = read_public_url(reader, production);
        let trusted_proxies = reader.parse(
            "TRUSTED_PROXIES",
            "",
            "a comma list of networks such as 10.0.0.0/8",
            parse_networks,
        );
        let auth_rate = reader.count("AUTH_RATE_PER_MINUTE", AUTH_RATE, 0);
        let api_rate = reader.count("API_RATE_PER_MINUTE", API_RATE, 0);
        let session_max_age = reader.duration("SESSION_MAX_AGE", SESSION_MAX_AGE);
        let metrics_token = reader.optional("METRICS_TOKEN", "visible ASCII characters", parse_token);
        let listen = host.zip(port).map(|(host, port)| SocketAddr::new(host, port));
        let metrics_listen = read_metrics_listen(reader, listen, production);
        Some(Self {
            listen: listen?,
            public_url: public_url?,
            production,
            trusted_proxies: trusted_proxies?,
            auth_rate: RatePerMinute(auth_rate?),
            api_rate: RatePerMinute(api_rate?),
            session_max_age: session_max_age?,
            metrics_token: metrics_token?,
            metrics_listen: metrics_listen?,
            port_option: "PORT",
        })
    }
}

/// Reads where operators have a listener of their own. Production needs that or a token.
#[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
fn read_metrics_listen(
    reader: &mut Reader<'_>,
    public: Option<SocketAddr>,
    production: bool,
) -> Option<Option<SocketAddr>> {
    const NAME: &str = "METRICS_ADDR";
    if production && reader.text(NAME).is_none() && reader.text("METRICS_TOKEN").is_none() {
        reader.problem(
            "METRICS_TOKEN",
            "nothing, and METRICS_ADDR is not set either: everybody could read /metrics and /version",
            "a token for these two, or METRICS_ADDR with an address for them, such as 127.0.0.1:9090",
        );
    }
    let listen = reader.optional(NAME, "an address and a port such as 127.0.0.1:9090", parse_listen)?;
    let overlaps = |own: SocketAddr, public: SocketAddr| {
        let one_is_all = own.ip().is_unspecified() || public.ip().is_unspecified();
        own.port() == public.port() && own.port() != 0 && (own.ip() == public.ip() || one_is_all)
    };
    if let (Some(own), Some(public)) = (listen, public)
        && overlaps(own, public)
    {
        let text = reader.text(NAME).unwrap_or_default();
        reader.refuse_because(NAME, text, "the public listener has this port", "another port, such as 9090");
    }
    Some(listen)
}

/// Parses an address with a port. `localhost` and a missing host mean this machine only.
fn parse_listen(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| {
        let (host, port) = text.rsplit_once(':')?;
        let is_local = host.is_empty() || host == "localhost";
        is_local.then_some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)))
    })
}

/// A token that can stand in a header.
fn parse_token(text: &str) -> Option<Secret> {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then(|| Secret::new(text))
}

#[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
fn read_public_url(reader: &mut Reader<'_>, production: bool) -> Option<Option<Url>> {
    let expected = if production {
        "an https address without a path, such as https://chatpulse.example.com"
    } else {
        "an http or https address without a path"
    };
    let text = if production {
        reader.required("PUBLIC_URL", expected)?
    } else {
        let Some(text) = reader.text("PUBLIC_URL") else { return Some(None) };
        text
    };
    reader.checked("PUBLIC_URL", text, expected, |text| web_url::origin(text, production)).map(Some)
}

fn parse_host(text: &str) -> Option<IpAddr> {
    if text == "localhost" { Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { text.parse().ok() }
}

/// Parses a list of networks. An address without a prefix length is a network of one address.
fn parse_networks(text: &str) -> Option<Vec<IpNet>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from))).collect()
}
