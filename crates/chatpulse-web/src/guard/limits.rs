//! Limits per address: requests by token bucket, overlay sockets by count.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::Gauge;

use crate::config::{HttpConfig, OverlayLimits, RatePerMinute};
use crate::guard::origin::limit_key;

/// Overlay pages, health and metrics together may be requested so many times as often as the API.
const PUBLIC_FACTOR: u32 = 10;

/// The token buckets of all addresses.
pub(crate) struct Limits {
    auth: Option<DefaultKeyedRateLimiter<IpAddr>>,
    api: Option<DefaultKeyedRateLimiter<IpAddr>>,
    public: Option<DefaultKeyedRateLimiter<IpAddr>>,
    overlays: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

/// Which requests share a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Auth,
    Api,
    /// Overlay pages, health and metrics.
    Public,
    /// Overlay sockets.
    Overlays,
}

impl Bucket {
    /// Returns the bucket of a page or API call; sockets take from theirs themselves. `path` is decoded, as routes
    /// match it.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            _ if path.starts_with("/auth/") => Some(Self::Auth),
            "/dashboard" => Some(Self::Api),
            _ if path.starts_with("/dashboard/") || path.starts_with("/api/") => Some(Self::Api),
            "/metrics" | "/version" => Some(Self::Public),
            _ if path.starts_with("/overlay/") || path.starts_with("/health/") => Some(Self::Public),
            _ => None,
        }
    }
}

impl Limits {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let overlays = Quota::per_second(at_least_one(config.overlays.rate_per_ip))
            .allow_burst(at_least_one(config.overlays.rate_burst));
        Self {
            auth: per_minute(config.auth_rate),
            api: per_minute(config.api_rate),
            public: per_minute(RatePerMinute(config.api_rate.0.saturating_mul(PUBLIC_FACTOR))),
            overlays: Some(RateLimiter::keyed(overlays)),
        }
    }

    /// Takes one token. `Err` is the time until the next token.
    pub(crate) fn take(&self, bucket: Bucket, ip: IpAddr) -> Result<(), Duration> {
        let limiter = match bucket {
            Bucket::Auth => &self.auth,
            Bucket::Api => &self.api,
            Bucket::Public => &self.public,
            Bucket::Overlays => &self.overlays,
        };
        let Some(limiter) = limiter else { return Ok(()) };
        limiter
            .check_key(&limit_key(ip))
            .map_err(|refused| refused.wait_time_from(DefaultClock::default().now()))
    }

    /// Removes addresses whose buckets are full again.
    pub(crate) fn forget_idle(&self) {
        for limiter in [&self.auth, &self.api, &self.public, &self.overlays].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// Allows bursts of half a minute's requests.
fn per_minute(rate: RatePerMinute) -> Option<DefaultKeyedRateLimiter<IpAddr>> {
    let per_minute = NonZeroU32::new(rate.0)?;
    Some(RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(at_least_one(rate.0 / 2))))
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// The number of open overlay sockets, in total and per address.
pub(crate) struct ConnectionCounts {
    limits: OverlayLimits,
    open: Mutex<Open>,
    current: Gauge,
    unique_ips: Gauge,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// Which limit refused the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    Instance,
    Address,
}

/// A counted socket; dropping it decrements the count.
pub(crate) struct Place {
    counts: Arc<ConnectionCounts>,
    ip: IpAddr,
}

impl ConnectionCounts {
    pub(crate) fn new(limits: OverlayLimits) -> Self {
        Self {
            limits,
            open: Mutex::default(),
            current: metrics::gauge!("websocket_connections_current"),
            unique_ips: metrics::gauge!("websocket_unique_ips"),
        }
    }

    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Result<Place, NoPlace> {
        let ip = limit_key(ip);
        let mut open = self.lock();
        if open.total >= self.limits.connections_max {
            return Err(NoPlace::Instance);
        }
        if open.by_ip.get(&ip).copied().unwrap_or(0) >= self.limits.per_ip_max {
            return Err(NoPlace::Address);
        }
        open.total += 1;
        *open.by_ip.entry(ip).or_default() += 1;
        self.show(&open);
        Ok(Place { counts: Arc::clone(self), ip })
    }

    fn leave(&self, ip: IpAddr) {
        let mut open = self.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.by_ip.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                open.by_ip.remove(&ip);
            }
        }
        self.show(&open);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of sockets stay far below 2^52")]
    fn show(&self, open: &Open) {
        self.current.set(open.total as f64);
        self.unique_ips.set(open.by_ip.len() as f64);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counts.leave(self.ip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_place_is_free_again_when_its_socket_goes() {
        let limits = OverlayLimits { connections_max: 3, per_ip_max: 2, rate_per_ip: 1, rate_burst: 1 };
        let counts = Arc::new(ConnectionCounts::new(limits));
        let (first, _second) = (counts.enter(ip(1)).ok(), counts.enter(ip(1)).ok());
        assert_eq!(counts.enter(ip(1)).err(), Some(NoPlace::Address));
        let third = counts.enter(ip(2)).ok();
        assert!(third.is_some());
        assert_eq!(counts.enter(ip(3)).err(), Some(NoPlace::Instance));
        drop(first);
        assert!(counts.enter(ip(1)).is_ok());
        drop(third);
        assert_eq!(counts.lock().by_ip.len(), 1, "an address without sockets is forgotten");
    }

    #[test]
    fn what_everybody_may_request_shares_one_bucket() {
        for path in ["/overlay/x", "/health/live", "/health/ready", "/health/serving", "/metrics", "/version"]
        {
            assert_eq!(Bucket::of(path), Some(Bucket::Public), "{path}");
        }
        for path in ["/", "/assets/x.css", "/webhooks/eventsub", "/ws/overlay/x"] {
            assert_eq!(Bucket::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_burst_is_half_a_minutes_worth_and_zero_is_off() {
        let limiter = per_minute(RatePerMinute(20)).unwrap();
        assert_eq!((0..30).filter(|_| limiter.check_key(&ip(1)).is_ok()).count(), 10);
        assert!(limiter.check_key(&ip(2)).is_ok());
        assert!(per_minute(RatePerMinute(0)).is_none());
    }
}
