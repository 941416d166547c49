//! Determine the client's address and our own public URL. Forwarded headers count only if a trusted proxy sent them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap};
use ipnet::IpNet;
use url::Url;

use crate::config::HttpConfig;

/// The client's address: the peer, or behind trusted proxies the right-most address that is not a trusted proxy.
pub(crate) fn client_ip(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer_ip(peer);
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in forwarded.into_iter().rev() {
        if !is_trusted(&client) {
            break;
        }
        // Our proxies write no malformed address: the last valid one is the client.
        let Some(ip) = parse_hop(hop.trim()) else { break };
        client = ip;
    }
    client
}

/// The address of the peer. A mapped IPv4 address counts as IPv4.
pub(crate) fn peer_ip(peer: Option<SocketAddr>) -> IpAddr {
    peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}

fn parse_hop(hop: &str) -> Option<IpAddr> {
    let ip = hop.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip())).ok();
    ip.or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok()).map(|ip| ip.to_canonical())
}

/// Rate limits treat one IPv6 household as one client: its /64.
pub(crate) fn limit_key(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

/// `https://host` without a trailing slash: base of every URL shown to a user.
pub(crate) fn public_base(request: &HttpRequest, config: &HttpConfig) -> String {
    if let Some(public_url) = &config.public_url {
        return public_url.as_str().trim_end_matches('/').to_owned();
    }
    request_base(request, config)
}

/// The same as the browser asked for it, whatever our public URL is.
pub(crate) fn request_base(request: &HttpRequest, config: &HttpConfig) -> String {
    let host = requested_authority(request, config).filter(|host| is_authority(host));
    let scheme = forwarded(request, config, "x-forwarded-proto").filter(|scheme| *scheme == "https");
    let host = host.map_or_else(|| config.listen.to_string(), str::to_owned);
    format!("{}://{host}", scheme.unwrap_or("http"))
}

/// Host and port that the browser asked for, as they were sent: `Host`, or `X-Forwarded-Host` from a trusted proxy.
pub(crate) fn requested_authority<'a>(request: &'a HttpRequest, config: &HttpConfig) -> Option<&'a str> {
    forwarded(request, config, "x-forwarded-host").or_else(|| text(request, HOST.as_str()))
}

/// The host name without port, in lower case; `None` for text that names no host.
pub(crate) fn host_name(authority: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{authority}")).ok().filter(|_| is_authority(authority))?;
    Some(url.host_str()?.trim_end_matches('.').to_owned())
}

/// The origin that a login at Twitch comes back to, if the request is for another host.
pub(crate) fn origin_of_logins(request: &HttpRequest, config: &HttpConfig) -> Option<String> {
    let home = Url::parse(&config.redirect_uri).ok()?;
    let asked = host_name(requested_authority(request, config)?)?;
    let is_elsewhere = home.host_str().is_some_and(|host| host.trim_end_matches('.') != asked);
    is_elsewhere.then(|| home.origin().ascii_serialization())
}

fn forwarded<'a>(request: &'a HttpRequest, config: &HttpConfig, name: &str) -> Option<&'a str> {
    let peer = request.peer_addr()?.ip().to_canonical();
    text(request, name).filter(|_| config.trusted_proxies.iter().any(|net| net.contains(&peer)))
}

fn text<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// Accepts only characters of a host and port, so that the value is safe in a page or a header.
fn is_authority(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn ip(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(value));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_ip(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        assert_eq!(ip("203.0.113.9", &["1.1.1.1"], &[]), "203.0.113.9");
        assert_eq!(ip("203.0.113.9", &["1.1.1.1"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(ip("10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
    }

    #[test]
    fn the_right_most_untrusted_address_wins() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(ip("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], &trusted), "1.1.1.1");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6", "1.1.1.1:4711"], &trusted), "1.1.1.1");
        assert_eq!(ip("10.0.0.1", &["10.0.0.3, 10.0.0.2"], &trusted), "10.0.0.3");
    }

    #[test]
    fn what_cannot_be_read_is_not_believed() {
        assert_eq!(ip("10.0.0.1", &["1.1.1.1, unknown"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1", &[""], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn a_mapped_peer_is_the_v4_address_that_it_is() {
        assert_eq!(ip("::ffff:10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
    }

    #[test]
    fn a_household_of_ipv6_is_one_client() {
        let key = |text: &str| limit_key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2:aaaa::1"), key("2001:db8:1:2:bbbb::2"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    #[test]
    fn a_host_name_has_one_spelling() {
        for (sent, name) in [
            ("LocalHost:8080", "localhost"),
            ("pulse.example.", "pulse.example"),
            ("[::1]:80", "[::1]"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(host_name(sent).as_deref(), Some(name));
        }
        for bad in ["", "a b", "ada@pulse.example", "pulse.example/x", "a,b", ":80"] {
            assert_eq!(host_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_that_could_break_out_of_a_header_is_none() {
        for bad in ["", "a b", "a\"b", "a;b", "a/b", "<x>"] {
            assert!(!is_authority(bad), "{bad}");
        }
        assert!(is_authority("chatpulse.example:8443") && is_authority("[::1]:8080"));
    }
}
