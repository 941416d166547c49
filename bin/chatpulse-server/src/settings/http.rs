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
        let metrics_token = reader.text("METRICS_TOKEN").map(Secret::new);
        Some(Self {
            listen: SocketAddr::new(host?, port?),
            public_url: public_url?,
            production,
            trusted_proxies: trusted_proxies?,
            auth_rate: RatePerMinute(auth_rate?),
            api_rate: RatePerMinute(api_rate?),
            session_max_age: session_max_age?,
            metrics_token,
        })
    }
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
