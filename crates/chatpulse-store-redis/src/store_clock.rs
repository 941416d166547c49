//! Tells the time at each node of Redis, so that a request can carry the moment after which it does nothing.
//!
//! A node's answer with its time was given between the moments when we asked and when we had the answer. That is a lower
//! and an upper bound of how far the node's clock is ahead of ours, as far apart as the round trip. The estimate is the
//! highest lower bound that the newest answer allows: a deadline may come a round trip early, never late.
//! [`Redis::sample_clocks`] asks at the start and every second. A clock that jumped in between is noticed by the function
//! that gets the deadline, which answers `late` with the right time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fred::interfaces::{ClientLike, ClusterInterface, FunctionInterface};
use fred::types::cluster::ClusterRouting;
use fred::types::config::{Options, Server};
use tokio::time::Instant;

use crate::connection::Redis;
use crate::error::Failure;
use crate::operation::PROBE;

/// How much earlier than the end of our wait a request expires: the answer's way back, and a busy process.
const ANSWER_MAX: Duration = Duration::from_millis(100);

/// How much further than its span a deadline may be away at the node, as a part of the wait: a clock that runs slower than
/// ours since it was asked last.
const TOLERANCE: u32 = 8;

/// The clocks of all nodes.
#[derive(Debug)]
pub(crate) struct StoreClock {
    /// The time of this process, which every offset is relative to.
    origin: Instant,
    /// How long a request may take until it expires.
    span: Duration,
    /// How far away its deadline is at most.
    span_max: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Which node has which slot; `None` without a cluster.
    routing: Option<ClusterRouting>,
    /// By node; `None` is the one server without a cluster. In milliseconds: the node's Unix time at `origin`.
    offsets: HashMap<Option<Server>, i64>,
}

/// A deadline for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expiry {
    node: Option<Server>,
    asked_at: Instant,
    /// The moment on the node's clock, in Unix milliseconds.
    at_unix_ms: i64,
    /// How far away it is at most, in milliseconds.
    span_ms: i64,
}

impl Expiry {
    /// The last two arguments of a function that takes a deadline.
    pub(crate) fn args(&self) -> [String; 2] {
        [self.at_unix_ms.to_string(), self.span_ms.to_string()]
    }
}

impl StoreClock {
    /// For requests that are waited for at most `deadline`.
    pub(crate) fn new(deadline: Duration) -> Self {
        let span = deadline.saturating_sub(ANSWER_MAX.min(deadline / 4));
        let span_max = span + deadline / TOLERANCE;
        Self { origin: Instant::now(), span, span_max, state: Mutex::default() }
    }

    /// The deadline of a request on `key` that is sent now; `None` while the node's time is not known.
    pub(crate) fn expiry(&self, key: &str) -> Option<Expiry> {
        let asked_at = Instant::now();
        let state = self.lock();
        let slot = ClusterRouting::hash_key(key.as_bytes());
        let node = state.routing.as_ref().and_then(|routing| routing.get_server(slot)).cloned();
        let offset = *state.offsets.get(&node)?;
        let at_unix_ms = offset.saturating_add(floor_ms(asked_at + self.span - self.origin));
        Some(Expiry { node, asked_at, at_unix_ms, span_ms: floor_ms(self.span_max) })
    }

    /// When the request that got this deadline can no longer be carried out, on our clock.
    pub(crate) fn expired_at(&self, expiry: &Expiry) -> Instant {
        expiry.asked_at + self.span
    }

    /// Corrects the estimate by the node's time in the answer `late`. Returns whether the estimate was wrong: the request
    /// still had time on our clock.
    pub(crate) fn correct(&self, expiry: &Expiry, unix_ms: i64) -> bool {
        let answered_at = Instant::now();
        let is_wrong = answered_at < self.expired_at(expiry);
        if is_wrong {
            self.lock().offsets.remove(&expiry.node);
        }
        self.note(expiry.node.clone(), expiry.asked_at, answered_at, unix_ms);
        is_wrong
    }

    fn note(&self, node: Option<Server>, asked_at: Instant, answered_at: Instant, unix_ms: i64) {
        let lowest = unix_ms.saturating_sub(floor_ms(answered_at - self.origin)).saturating_sub(1);
        // The node's time is cut to milliseconds, so it is up to one later.
        let highest = unix_ms.saturating_sub(floor_ms(asked_at - self.origin)).saturating_add(1);
        let mut state = self.lock();
        let offset = state.offsets.entry(node).or_insert(lowest);
        // Above the highest, the clock was set back or runs slower than ours.
        *offset = if *offset > highest { lowest } else { lowest.max(*offset) };
    }

    /// Takes over which nodes there are, and forgets the clocks of others.
    fn route(&self, routing: Option<ClusterRouting>) {
        let nodes = nodes_of(routing.as_ref());
        let mut state = self.lock();
        state.offsets.retain(|node, _| nodes.contains(node));
        state.routing = routing;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The nodes to ask for their time.
fn nodes_of(routing: Option<&ClusterRouting>) -> Vec<Option<Server>> {
    match routing {
        None => vec![None],
        Some(routing) => routing.unique_primary_nodes().into_iter().map(Some).collect(),
    }
}

fn floor_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Redis {
    /// Asks every node for its time. A node that does not answer keeps its estimate.
    pub(crate) async fn sample_clocks(&self) -> Result<(), Failure> {
        let client = self.clients().first().cloned();
        let routing = client.and_then(|client| client.cached_cluster_state());
        let nodes = nodes_of(routing.as_ref());
        self.clock().route(routing);
        let mut outcome = Ok(());
        for node in nodes {
            let asked_at = Instant::now();
            match self.time_at(node.clone()).await {
                Ok(unix_ms) => self.clock().note(node, asked_at, Instant::now(), unix_ms),
                Err(failure) => outcome = Err(failure),
            }
        }
        outcome
    }

    async fn time_at(&self, node: Option<Server>) -> Result<i64, Failure> {
        let name = self.library().name_of("time");
        self.run(PROBE, |client| async move {
            let at_node = client.with_options(&Options { cluster_node: node, ..Options::default() });
            at_node.fcall_ro::<i64, _, _, _>(name, Vec::<String>::new(), Vec::<String>::new()).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_millis(400);
    const SPAN_MS: i64 = 300;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn expiry_ms(clock: &StoreClock) -> i64 {
        clock.expiry("session").unwrap().at_unix_ms
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_there_is_no_deadline() {
        assert_eq!(StoreClock::new(DEADLINE).expiry("session"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_never_later_than_our_own_on_the_nodes_clock() {
        let clock = StoreClock::new(DEADLINE);
        let asked_at = Instant::now();
        tokio::time::advance(ms(40)).await;
        // The node gave its time somewhere within 40 ms. If it was at the end, its clock now shows 1,000,000.
        clock.note(None, asked_at, Instant::now(), 1_000_000);
        let within = expiry_ms(&clock);
        assert!((1_000_000 + SPAN_MS - 1..=1_000_000 + SPAN_MS).contains(&within), "{within}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_quicker_answer_narrows_the_estimate_and_a_slower_one_does_not_widen_it() {
        let clock = StoreClock::new(DEADLINE);
        let asked_at = Instant::now();
        tokio::time::advance(ms(100)).await;
        clock.note(None, asked_at, Instant::now(), 1_000_050);
        let wide = expiry_ms(&clock);
        clock.note(None, Instant::now(), Instant::now(), 1_000_100);
        let narrow = expiry_ms(&clock);
        assert!((48..=50).contains(&(narrow - wide)), "{wide} {narrow}");
        let asked_at = Instant::now();
        tokio::time::advance(ms(100)).await;
        clock.note(None, asked_at, Instant::now(), 1_000_150);
        assert_eq!(expiry_ms(&clock), narrow + 100, "later by the time that passed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_back_or_forth_is_followed() {
        let clock = StoreClock::new(DEADLINE);
        for unix_ms in [1_000_000, 400_000, 7_000_000] {
            clock.note(None, Instant::now(), Instant::now(), unix_ms);
            let within = expiry_ms(&clock) - unix_ms;
            assert!((SPAN_MS - 1..=SPAN_MS + 1).contains(&within), "{within}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn late_with_time_left_means_that_the_estimate_was_wrong() {
        let clock = StoreClock::new(DEADLINE);
        clock.note(None, Instant::now(), Instant::now(), 1_000_000);
        let expiry = clock.expiry("session").unwrap();
        tokio::time::advance(ms(5)).await;
        assert!(clock.correct(&expiry, 9_000_000));
        assert!(expiry_ms(&clock) > 9_000_000);
        let expiry = clock.expiry("session").unwrap();
        tokio::time::advance(ms(301)).await;
        assert!(!clock.correct(&expiry, 9_000_306), "the node was slow");
    }
}
