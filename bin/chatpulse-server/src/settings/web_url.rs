//! The rules of the URLs that browsers and Twitch use: [`origin`], [`redirect_uri`], [`callback`].
//!
//! Each error is a sentence without any text of the URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

const REDIRECT_PATH: &str = "/auth/callback";
const CALLBACK_PATH: &str = "/webhooks/eventsub";

/// Parses the base of every URL that is shown to a user.
pub(super) fn origin(text: &str, production: bool) -> Result<Url, &'static str> {
    let url = page(text, production)?;
    if url.path() != "/" {
        return Err("it has a path, and ChatPulse serves at the root of a host; remove the path");
    }
    Ok(url)
}

/// Checks where Twitch sends browsers back to.
pub(super) fn redirect_uri(text: &str, production: bool) -> Result<(), &'static str> {
    let url = page(text, production)?;
    if url.path() == REDIRECT_PATH { Ok(()) } else { Err("its path is not /auth/callback") }
}

/// Checks where Twitch posts webhooks. Twitch accepts https on port 443 only (Twitch, "Handling webhook events").
pub(super) fn callback(text: &str) -> Result<(), &'static str> {
    let url = page(text, true)?;
    if url.port().is_some() {
        return Err("it names another port than 443, and Twitch posts to that one only");
    }
    if url.path() != CALLBACK_PATH {
        return Err("its path is not /webhooks/eventsub");
    }
    match url.host() {
        Some(Host::Domain(name)) if is_local_name(name) => Err("Twitch cannot reach a host of that name"),
        Some(Host::Ipv4(ip)) if !is_public_v4(ip) => Err("Twitch cannot reach a loopback or private address"),
        Some(Host::Ipv6(ip)) if !is_public_v6(ip) => Err("Twitch cannot reach a loopback or private address"),
        _ => Ok(()),
    }
}

/// Parses a URL that a browser opens: no user, query or fragment, and a host that one can go to.
fn page(text: &str, production: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    match url.scheme() {
        "https" => {}
        "http" if !production => {}
        "http" => return Err("it begins with http://"),
        _ => return Err("it does not begin with https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a `?` or a `#`");
    }
    let is_unspecified = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => as_v4(ip).map_or(ip.is_unspecified(), |ip| ip.is_unspecified()),
        Some(Host::Domain(_)) => false,
        None => return Err("it names no host"),
    };
    if is_unspecified {
        return Err(
            "it names an address to listen on, which no browser can open; write the host that people use",
        );
    }
    Ok(url)
}

/// Returns whether a URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => as_v4(ip).map_or(ip.is_loopback(), |ip| ip.is_loopback()),
        // The url crate keeps the hosts of schemes that it does not know as text.
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

pub(super) fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Names that no public resolver knows (RFC 6761, RFC 6762, and the `internal` that ICANN reserved).
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    ["localhost", "local", "internal", "localdomain"].contains(&name.rsplit('.').next().unwrap_or_default())
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let is_carrier_grade = first == 100 && (64..128).contains(&second);
    let is_here = ip.is_loopback() || ip.is_private() || ip.is_link_local() || first == 0;
    !(is_here || is_carrier_grade || ip.is_broadcast() || ip.is_multicast())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = as_v4(ip) {
        return is_public_v4(ip);
    }
    !(ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || ip.is_multicast())
}

/// Returns the IPv4 address that an IPv6 address stands for, as in `::ffff:127.0.0.1`.
fn as_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    ip.to_ipv4_mapped()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_an_origin() {
        for good in
            ["https://pulse.example", "https://pulse.example/", "http://127.0.0.1:8080", "http://[::1]:8080/"]
        {
            assert!(origin(good, false).is_ok(), "{good}");
        }
        for bad in [
            "https://pulse.example/chat",
            "https://pulse.example//",
            "https://pulse.example/?q=1",
            "https://pulse.example?",
            "https://pulse.example/#",
            "http://0.0.0.0:8080",
            "http://0:8080",
            "http://[::]:8080",
            "http://[::ffff:0.0.0.0]",
            "https://ada:hunter2@pulse.example",
            "https://ada@pulse.example",
            "ftp://pulse.example",
            "pulse.example",
            "localhost:8080",
            "https://",
        ] {
            assert!(origin(bad, false).is_err(), "{bad}");
        }
        assert!(origin("http://pulse.example", true).is_err());
    }

    #[test]
    fn the_redirect_uri_ends_in_our_route() {
        for good in ["http://localhost:8080/auth/callback", "https://pulse.example/auth/callback"] {
            assert_eq!(redirect_uri(good, false), Ok(()), "{good}");
        }
        for bad in [
            "http://localhost:8080",
            "http://localhost:8080/",
            "http://localhost:8080/auth/callback/",
            "http://localhost:8080/Auth/callback",
            "http://localhost:8080/x/auth/callback",
            "http://localhost:8080/auth/callback?x",
            "http://0.0.0.0:8080/auth/callback",
            "http://u:p@localhost/auth/callback",
        ] {
            assert!(redirect_uri(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_callback_is_one_that_twitch_can_reach() {
        let at = |host: &str| format!("https://{host}/webhooks/eventsub");
        for good in
            ["pulse.example", "pulse.example:443", "203.0.113.7", "[2001:db8::1]", "172.32.0.1", "11.0.0.1"]
        {
            assert_eq!(callback(&at(good)), Ok(()), "{good}");
        }
        for bad in [
            "pulse.example:8443",
            "pulse.example:80",
            "localhost",
            "LOCALHOST.",
            "pulse.localhost",
            "nas.local",
            "pulse.internal",
            "127.0.0.1",
            "127.1",
            "0x7f.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.5",
            "169.254.1.1",
            "100.64.0.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:192.168.1.5]",
            "u:p@pulse.example",
        ] {
            assert!(callback(&at(bad)).is_err(), "{bad}");
        }
        for bad in [
            "http://pulse.example/webhooks/eventsub",
            "https://pulse.example/",
            "https://pulse.example/webhooks/eventsub/",
        ] {
            assert!(callback(bad).is_err(), "{bad}");
        }
    }
}
