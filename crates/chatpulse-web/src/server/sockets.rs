//! The open TCP connections of a listener: how many there may be, and which are closed when there are more.
//!
//! A process may open only so many files, and every connection is one. Connections that wait for a request are closed
//! first, the one that has waited longest before the others, so that new requests are always answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ipnet::IpNet;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::warn;

use crate::guard::origin::limit_key;

/// Connections per address that have not sent a request yet.
const SILENT_PER_IP_MAX: usize = 100;

/// Connections above the maximum while others that were told to close are still closing.
pub(super) const CLOSING_MAX: usize = 16;

/// How often the log says that too many connections are open.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// The connections of one listener.
pub(super) struct Sockets {
    max: usize,
    /// Peers that may have any number of silent connections.
    trusted: Vec<IpNet>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    /// Of these, how many were told to close.
    closing: usize,
    /// Connections that wait for a request, in the order in which they began to wait.
    waiting: BTreeMap<u64, Waiting>,
    /// Of these, the ones that never sent a request, by address.
    silent: HashMap<IpAddr, BTreeSet<u64>>,
    last_turn: u64,
    warned_at: Option<Instant>,
}

struct Waiting {
    close: CancellationToken,
    /// The address, if the connection counts as silent.
    silent: Option<IpAddr>,
}

/// A counted connection. It begins to wait for its first request at once.
pub(super) struct Place {
    sockets: Arc<Sockets>,
    /// Its key in `waiting`.
    turn: Option<u64>,
    close: CancellationToken,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Sockets {
    /// Allows at most `max` connections.
    pub(super) fn new(max: usize, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { max, trusted, open: Mutex::default() })
    }

    /// Counts a new connection. Closes one that waits for a request if there are too many; `None` if none waits.
    pub(super) fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        let silent = (!self.trusted.iter().any(|net| net.contains(&ip))).then(|| limit_key(ip));
        let mut open = self.lock();
        if let Some(oldest) = silent.and_then(|ip| open.excess_silent(ip)) {
            open.close(oldest);
            count("silent_per_address");
        }
        if open.total - open.closing >= self.max {
            open.warn(self.max);
            count("open_files");
            let oldest = *open.waiting.first_key_value()?.0;
            open.close(oldest);
        }
        if open.total >= self.max + CLOSING_MAX {
            return None;
        }
        open.total += 1;
        let close = CancellationToken::new();
        let turn = Some(open.wait(close.clone(), silent));
        let closed = Box::pin(close.clone().cancelled_owned());
        Some(Place { sockets: Arc::clone(self), turn, close, closed })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Adds a waiting connection. Returns its turn.
    fn wait(&mut self, close: CancellationToken, silent: Option<IpAddr>) -> u64 {
        self.last_turn += 1;
        if let Some(ip) = silent {
            self.silent.entry(ip).or_default().insert(self.last_turn);
        }
        self.waiting.insert(self.last_turn, Waiting { close, silent });
        self.last_turn
    }

    fn stop_waiting(&mut self, turn: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&turn)?;
        if let Some(ip) = waiting.silent
            && let Some(turns) = self.silent.get_mut(&ip)
        {
            turns.remove(&turn);
            if turns.is_empty() {
                self.silent.remove(&ip);
            }
        }
        Some(waiting)
    }

    /// The oldest silent connection of an address that has as many as it may.
    fn excess_silent(&self, ip: IpAddr) -> Option<u64> {
        self.silent.get(&ip).filter(|turns| turns.len() >= SILENT_PER_IP_MAX)?.first().copied()
    }

    fn close(&mut self, turn: u64) {
        if let Some(waiting) = self.stop_waiting(turn) {
            waiting.close.cancel();
            self.closing += 1;
        }
    }

    fn warn(&mut self, max: usize) {
        if self.warned_at.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            self.warned_at = Some(Instant::now());
            warn!(max, "too many connections are open; closing those that wait for a request, oldest first");
        }
    }
}

impl Place {
    /// A request is complete: the connection is not closed before it is answered.
    pub(super) fn begin_request(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.sockets.lock().stop_waiting(turn);
        }
    }

    /// The request was answered: the connection waits for the next.
    pub(super) fn end_request(&mut self) {
        let mut open = self.sockets.lock();
        // One that was chosen to close while its request was on its way must not be chosen, and counted, again.
        if self.turn.is_none() && !self.close.is_cancelled() {
            self.turn = Some(open.wait(self.close.clone(), None));
        }
    }

    /// Ready when the connection must close, to make room.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.closed.as_mut().poll(cx)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.sockets.lock();
        if let Some(turn) = self.turn {
            open.stop_waiting(turn);
        }
        open.total -= 1;
        if self.close.is_cancelled() {
            open.closing -= 1;
        }
    }
}

fn count(reason: &'static str) {
    metrics::counter!("http_connections_turned_away_total", "reason" => reason).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn is_closed(place: &Place) -> bool {
        place.close.is_cancelled()
    }

    #[test]
    fn a_connection_that_was_chosen_to_close_is_not_chosen_again() {
        let sockets = Sockets::new(1, Vec::new());
        let mut first = sockets.enter(ip(1)).unwrap();
        let second = sockets.enter(ip(2)).unwrap();
        assert!(is_closed(&first));
        first.begin_request();
        first.end_request();
        let third = sockets.enter(ip(3)).unwrap();
        let fourth = sockets.enter(ip(4)).unwrap();
        assert!(is_closed(&second) && is_closed(&third));
        drop((first, second, third));
        let counts = |open: MutexGuard<'_, Open>| (open.total, open.closing);
        assert_eq!(counts(sockets.lock()), (1, 0));
        drop(fourth);
    }

    #[test]
    fn an_address_keeps_its_hundred_newest_silent_connections() {
        let sockets = Sockets::new(1_000, Vec::new());
        let mut places: Vec<Place> = (0..SILENT_PER_IP_MAX).filter_map(|_| sockets.enter(ip(1))).collect();
        places[0].begin_request();
        let more: Vec<Place> = (0..3).filter_map(|_| sockets.enter(ip(1))).collect();
        let other = sockets.enter(ip(2)).unwrap();
        let closed: Vec<usize> = (0..places.len()).filter(|place| is_closed(&places[*place])).collect();
        assert_eq!(closed, [1, 2], "one has sent a request, and so is not silent");
        assert!(!more.iter().chain([&other]).any(is_closed));
        drop((places, more));
        assert!(!sockets.lock().silent.contains_key(&ip(1)), "an address without connections is forgotten");
    }

    #[test]
    fn a_connection_that_sent_a_request_is_not_silent_again() {
        let sockets = Sockets::new(1_000, Vec::new());
        let mut kept: Vec<Place> = (0..300)
            .filter_map(|_| {
                let mut place = sockets.enter(ip(1))?;
                place.begin_request();
                place.end_request();
                Some(place)
            })
            .collect();
        assert_eq!(kept.len(), 300);
        assert!(!kept.iter().any(is_closed));
        kept.clear();
        assert_eq!(sockets.lock().waiting.len(), 0);
    }

    #[test]
    fn a_trusted_proxy_may_have_any_number() {
        let sockets = Sockets::new(1_000, vec!["192.0.2.0/24".parse().unwrap()]);
        let places: Vec<Place> = (0..300).filter_map(|_| sockets.enter(ip(1))).collect();
        assert_eq!((places.len(), places.iter().any(is_closed)), (300, false));
    }

    #[test]
    fn who_waits_longest_makes_room_and_who_is_served_does_not() {
        let sockets = Sockets::new(3, Vec::new());
        let mut places: Vec<Place> = (0..3).filter_map(|last| sockets.enter(ip(last))).collect();
        places[0].begin_request();
        places[2].begin_request();
        places[2].end_request();
        let fourth = sockets.enter(ip(4)).unwrap();
        let closed: Vec<bool> = places.iter().map(is_closed).collect();
        assert_eq!(closed, [false, true, false]);
        drop(places);
        let counts = {
            let open = sockets.lock();
            (open.total, open.closing)
        };
        assert_eq!(counts, (1, 0));
        drop(fourth);
    }

    #[test]
    fn nobody_enters_while_all_are_served() {
        let sockets = Sockets::new(2, Vec::new());
        let mut places: Vec<Place> = (0..2).filter_map(|last| sockets.enter(ip(last))).collect();
        places.iter_mut().for_each(Place::begin_request);
        assert!(sockets.enter(ip(3)).is_none());
        places.pop();
        assert!(sockets.enter(ip(3)).is_some());
    }

    #[test]
    fn connections_that_are_slow_to_close_are_bounded_too() {
        let sockets = Sockets::new(2, Vec::new());
        let places: Vec<Place> = (0..40).filter_map(|last| sockets.enter(ip(last))).collect();
        assert_eq!(places.len(), 2 + CLOSING_MAX);
    }
}
