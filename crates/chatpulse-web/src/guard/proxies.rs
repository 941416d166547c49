//! Notice proxies that are set up wrong: one that is not trusted, so that everybody behind it counts as one address, and
//! one that drops `Upgrade`, so that no overlay connects. The log and the dashboard say so.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, SEC_WEBSOCKET_KEY, UPGRADE};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tokio::time::Instant;
use tracing::warn;

use crate::guard::origin::peer_ip;

/// How often the log repeats itself, and how long the dashboard shows what was noticed.
const HOUR: Duration = Duration::from_hours(1);

/// Networks that are remembered: anybody can send a header, so their number must have a bound.
const NETWORKS_MAX: usize = 32;

/// What is wrong with the proxy in front of a dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ProxyFaults {
    /// The network of a proxy that forwards addresses and is not trusted.
    pub(crate) untrusted: Option<IpNet>,
    /// Whether a proxy drops `Upgrade`.
    pub(crate) drops_upgrade: bool,
}

/// What was noticed lately.
#[derive(Default)]
pub(crate) struct Proxies {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    warned: HashMap<IpNet, Instant>,
    /// The newest one on a private network. Others may be anybody on the internet who sends such a header.
    untrusted_nearby: Option<(IpNet, Instant)>,
    no_upgrade: Option<(IpAddr, Instant)>,
    warned_of_no_upgrade: Option<Instant>,
}

impl Proxies {
    /// Notices that an untrusted peer forwards addresses.
    pub(crate) fn saw_request(&self, peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) {
        let Some(network) = untrusted_network(peer, headers, trusted) else { return };
        let now = Instant::now();
        let mut seen = self.lock();
        if is_nearby(peer) {
            seen.untrusted_nearby = Some((network, now));
        }
        if seen.warned.get(&network).is_some_and(|at| now - *at < HOUR) {
            return;
        }
        if seen.warned.len() >= NETWORKS_MAX {
            seen.warned.retain(|_, at| now - *at < HOUR);
        }
        if seen.warned.len() < NETWORKS_MAX {
            seen.warned.insert(network, now);
            warn!(
                peer = %peer,
                network = %network,
                "{peer} forwards addresses (X-Forwarded-For) and is not in TRUSTED_PROXIES, so everybody behind it \
                 counts as one address for limits; if it is your proxy, set TRUSTED_PROXIES={network}"
            );
        }
    }

    /// Notices a handshake for a known overlay that arrived without `Upgrade`, which browsers always send.
    pub(crate) fn saw_refused_handshake(&self, peer: IpAddr, headers: &HeaderMap) {
        if headers.contains_key(UPGRADE) || !headers.contains_key(SEC_WEBSOCKET_KEY) {
            return;
        }
        let now = Instant::now();
        let mut seen = self.lock();
        seen.no_upgrade = Some((peer, now));
        if seen.warned_of_no_upgrade.is_none_or(|at| now - at >= HOUR) {
            seen.warned_of_no_upgrade = Some(now);
            warn!(
                peer = %peer,
                "a proxy at {peer} drops the header Upgrade, so no overlay can connect through it; let it pass Upgrade \
                 and Connection for /ws/ (nginx: proxy_http_version 1.1, proxy_set_header Upgrade $http_upgrade, \
                 proxy_set_header Connection \"upgrade\")"
            );
        }
    }

    /// A handshake through this peer succeeded.
    pub(crate) fn saw_accepted_handshake(&self, peer: IpAddr) {
        let mut seen = self.lock();
        if seen.no_upgrade.is_some_and(|(dropping, _)| dropping == peer) {
            seen.no_upgrade = None;
        }
    }

    /// What the dashboard has to say to whoever sent this request.
    pub(crate) fn faults(&self, request: &HttpRequest, trusted: &[IpNet]) -> ProxyFaults {
        let seen = self.lock();
        let of_request = untrusted_network(peer_ip(request.peer_addr()), request.headers(), trusted);
        let nearby = seen.untrusted_nearby.filter(|(_, at)| at.elapsed() < HOUR).map(|(network, _)| network);
        ProxyFaults {
            untrusted: of_request.or(nearby),
            drops_upgrade: seen.no_upgrade.is_some_and(|(_, at)| at.elapsed() < HOUR),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network of a peer that forwards addresses although it is not trusted.
fn untrusted_network(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpNet> {
    let forwards = headers.contains_key("x-forwarded-for");
    (forwards && !trusted.iter().any(|net| net.contains(&peer))).then(|| network_of(peer))
}

/// The /24 of an IPv4 address, the /64 of an IPv6 address: a proxy in a container changes its own.
fn network_of(ip: IpAddr) -> IpNet {
    match ip {
        IpAddr::V4(ip) => {
            Ipv4Net::new(ip, 24).map_or_else(|_| IpNet::from(IpAddr::V4(ip)), IpNet::V4).trunc()
        }
        IpAddr::V6(ip) => {
            Ipv6Net::new(ip, 64).map_or_else(|_| IpNet::from(IpAddr::V6(ip)), IpNet::V6).trunc()
        }
    }
}

/// Whether the address is of this machine or of a private network.
fn is_nearby(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use actix_web::test::TestRequest;
    use tokio::time::advance;

    use super::*;

    fn headers(names: &[&'static str]) -> HeaderMap {
        let pair =
            |name: &&'static str| (HeaderName::from_static(name), HeaderValue::from_static("203.0.113.9"));
        names.iter().map(pair).collect()
    }

    fn faults(proxies: &Proxies) -> ProxyFaults {
        proxies.faults(&TestRequest::default().to_http_request(), &[])
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_nearby_is_shown_for_an_hour_unless_it_is_trusted() {
        let (proxies, peer) = (Proxies::default(), "172.18.0.5".parse().unwrap());
        proxies.saw_request(peer, &headers(&["host"]), &[]);
        proxies.saw_request(peer, &headers(&["x-forwarded-for"]), &["172.16.0.0/12".parse().unwrap()]);
        assert_eq!(faults(&proxies), ProxyFaults::default());
        proxies.saw_request(peer, &headers(&["x-forwarded-for"]), &["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(faults(&proxies).untrusted, Some("172.18.0.0/24".parse().unwrap()));
        advance(HOUR).await;
        assert_eq!(faults(&proxies), ProxyFaults::default());
    }

    #[tokio::test]
    async fn anybody_may_send_the_header_and_nothing_is_shown_to_others() {
        let proxies = Proxies::default();
        for last in 0..200 {
            let peer = IpAddr::from([203, 0, last, 9]);
            proxies.saw_request(peer, &headers(&["x-forwarded-for"]), &[]);
        }
        assert_eq!(faults(&proxies), ProxyFaults::default());
        assert_eq!(proxies.lock().warned.len(), NETWORKS_MAX, "memory is bounded");
    }

    #[tokio::test]
    async fn a_handshake_without_upgrade_is_shown_until_one_succeeds() {
        let (proxies, peer) = (Proxies::default(), IpAddr::from([127, 0, 0, 1]));
        proxies.saw_refused_handshake(peer, &headers(&["upgrade", "sec-websocket-key"]));
        proxies.saw_refused_handshake(peer, &headers(&["accept"]));
        assert!(!faults(&proxies).drops_upgrade, "that is no handshake, or no fault of a proxy");
        proxies.saw_refused_handshake(peer, &headers(&["sec-websocket-key"]));
        proxies.saw_accepted_handshake(IpAddr::from([127, 0, 0, 2]));
        assert!(faults(&proxies).drops_upgrade);
        proxies.saw_accepted_handshake(peer);
        assert!(!faults(&proxies).drops_upgrade);
    }
}
