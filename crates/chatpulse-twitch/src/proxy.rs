//! HTTP proxies between us and Twitch: which requests pass one, and the tunnel for the EventSub socket.
//!
//! The rules are those of reqwest, which follows curl; [`Proxies::of_requests`] and [`Proxies::for_socket`] give the two
//! clients the same ones.

use std::fmt;

use chatpulse_domain::secret::Secret;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, NoProxy, Proxy};
use url::Url;

/// Hosts that no proxy serves: a simulated Twitch on this machine is not behind the company's proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Which proxies to use. The default is none.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    https: Option<ProxyUrl>,
    http: Option<ProxyUrl>,
    /// Comma list of hosts that are reached directly.
    no_proxy: String,
}

/// The URL of a proxy. May contain a password, so it does not print.
#[derive(Debug, Clone)]
pub struct ProxyUrl(Secret);

/// Not the URL of an HTTP proxy. Repeats no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the URL of an HTTP proxy")]
pub struct InvalidProxy;

impl ProxyUrl {
    /// Parses `http://USER:PASSWORD@HOST:PORT`, also with `https://` or without a scheme.
    pub fn parse(text: &str) -> Result<Self, InvalidProxy> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).map_err(|_| InvalidProxy)?;
        let is_http = ["http", "https"].contains(&url.scheme()) && url.has_host();
        // The matcher has the last word, because it is what finds the proxy of a request.
        let found =
            Matcher::builder().all(text.as_str()).build().intercept(&Uri::from_static("http://twitch.tv"));
        if is_http && found.is_some() { Ok(Self(Secret::new(text))) } else { Err(InvalidProxy) }
    }
}

/// The proxy of one connection.
pub(crate) struct Hop {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
    /// `Basic …`, if the proxy's URL has a user.
    pub(crate) authorization: Option<HeaderValue>,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Proxies {
    /// Proxies for `https` and `http` URLs, and a comma list of hosts, domains and networks without one.
    pub fn new(https: Option<ProxyUrl>, http: Option<ProxyUrl>, no_proxy: &str) -> Self {
        Self { https, http, no_proxy: no_proxy.to_owned() }
    }

    fn direct(&self) -> String {
        format!("{LOOPBACK},{}", self.no_proxy)
    }

    /// Lets a client use these proxies, and none that it finds by itself.
    pub(crate) fn of_requests(&self, client: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
        let mut client = client.no_proxy();
        let direct = || NoProxy::from_string(&self.direct());
        if let Some(url) = &self.https {
            client = client.proxy(Proxy::https(url.0.expose())?.no_proxy(direct()));
        }
        if let Some(url) = &self.http {
            client = client.proxy(Proxy::http(url.0.expose())?.no_proxy(direct()));
        }
        Ok(client)
    }

    /// Returns the proxy of a WebSocket. `wss` counts as `https`, and `ws` as `http`.
    pub(crate) fn for_socket(&self, url: &Url) -> Option<Hop> {
        let text =
            |url: &Option<ProxyUrl>| url.as_ref().map_or(String::new(), |url| url.0.expose().to_owned());
        let matcher =
            Matcher::builder().https(text(&self.https)).http(text(&self.http)).no(self.direct()).build();
        let scheme = if url.scheme() == "wss" { "https" } else { "http" };
        let destination: Uri = format!("{scheme}://{}/", url.host_str()?).parse().ok()?;
        let found = matcher.intercept(&destination)?;
        let proxy = found.uri();
        let is_tls = proxy.scheme_str() == Some("https");
        Some(Hop {
            host: proxy.host()?.trim_matches(['[', ']']).to_owned(),
            port: proxy.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
            authorization: found.basic_auth().cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(no_proxy: &str) -> Proxies {
        let url = |text: &str| ProxyUrl::parse(text).ok();
        Proxies::new(url("http://ann:p%40ss@secure.example:3128"), url("plain.example"), no_proxy)
    }

    fn proxy_of(url: &str, no_proxy: &str) -> Option<String> {
        proxies(no_proxy).for_socket(&Url::parse(url).unwrap()).map(|hop| hop.to_string())
    }

    #[test]
    fn a_socket_takes_the_proxy_of_its_scheme() {
        assert_eq!(proxy_of("wss://eventsub.wss.twitch.tv/ws", ""), Some("secure.example:3128".into()));
        assert_eq!(proxy_of("ws://eventsub.example/ws", ""), Some("plain.example:80".into()));
        let hop = proxies("").for_socket(&Url::parse("wss://x.example").unwrap()).unwrap();
        assert_eq!(hop.authorization.unwrap(), "Basic YW5uOnBAc3M=");
        let none = Proxies::default().for_socket(&Url::parse("wss://x.example").unwrap());
        assert!(none.is_none());
    }

    #[test]
    fn no_proxy_names_hosts_domains_and_networks_and_this_machine_needs_none() {
        for (url, no_proxy) in [
            ("wss://eventsub.wss.twitch.tv/ws", "twitch.tv"),
            ("wss://eventsub.wss.twitch.tv/ws", "other.example, .twitch.tv"),
            ("wss://eventsub.wss.twitch.tv/ws", "*"),
            ("ws://10.1.2.3/ws", "10.0.0.0/8"),
            ("ws://127.0.0.1:8080/ws", ""),
            ("ws://[::1]:8080/ws", ""),
            ("ws://localhost:8080/ws", ""),
        ] {
            assert_eq!(proxy_of(url, no_proxy), None, "{url} with NO_PROXY={no_proxy}");
        }
        assert!(proxy_of("wss://eventsub.wss.twitch.tv/ws", "switch.tv,10.0.0.0/8").is_some());
    }

    #[test]
    fn only_http_proxies_are_known_and_no_password_prints() {
        for bad in ["socks5://host:1080", "http://", "", "ftp://host", "http://u:hunter2@host:port"] {
            assert!(matches!(ProxyUrl::parse(bad), Err(InvalidProxy)), "{bad}");
        }
        assert!(!format!("{:?}", proxies("")).contains("p%40ss"));
    }
}
