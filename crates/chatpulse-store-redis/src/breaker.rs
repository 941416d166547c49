//! The circuit breaker: while Redis is out of reach, requests fail at once instead of waiting for their deadline.
//!
//! Closed, all requests pass. It opens when [`FAILURE_PERCENT_MIN`] percent of at least [`REQUESTS_MIN`] requests within
//! [`WINDOW`] failed, and then no request passes. After [`OPEN_FOR`] it is half open: one request at a time passes, and
//! its result closes or opens the breaker. The probe passes always, so that the breaker closes without traffic.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How far back failures count.
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer requests than this never open the breaker.
const REQUESTS_MIN: usize = 5;
const FAILURE_PERCENT_MIN: usize = 60;
/// Requests remembered. With more than this in a window, the newest decide.
const REQUESTS_MAX: usize = 256;
/// How long the breaker stays open at least.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// The value of the label `component`.
const COMPONENT: &str = "redis";

#[derive(Debug)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// When recent requests ended and whether they failed, oldest first.
    requests: VecDeque<(Instant, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    Open {
        since: Instant,
    },
    /// `busy`: the deciding request is under way.
    HalfOpen {
        busy: bool,
    },
}

/// Permission for one request. Dropped without a result, because the caller left, it lets the next request decide.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    breaker: &'a Breaker,
    is_settled: bool,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        metrics::gauge!("circuit_breaker_state", "component" => COMPONENT).set(0.0);
        Self { state: Mutex::new(State { phase: Phase::Closed, requests: VecDeque::new() }) }
    }

    /// `None` if the request must not be sent.
    pub(crate) fn admit(&self) -> Option<Admission<'_>> {
        let mut state = self.lock();
        match state.phase {
            Phase::Closed => {}
            Phase::Open { since } if since.elapsed() < OPEN_FOR => return None,
            Phase::HalfOpen { busy: true } => return None,
            Phase::Open { .. } | Phase::HalfOpen { busy: false } => {
                state.enter(Phase::HalfOpen { busy: true });
            }
        }
        Some(self.admission())
    }

    /// For the probe, which always passes and whose result decides.
    pub(crate) fn admit_probe(&self) -> Admission<'_> {
        let mut state = self.lock();
        if state.phase != Phase::Closed {
            state.enter(Phase::HalfOpen { busy: true });
        }
        drop(state);
        self.admission()
    }

    #[cfg(test)]
    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    fn admission(&self) -> Admission<'_> {
        Admission { breaker: self, is_settled: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Records the result of the request.
    pub(crate) fn settle(mut self, failed: bool) {
        self.is_settled = true;
        self.breaker.lock().settle(failed, Instant::now());
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            let mut state = self.breaker.lock();
            if state.phase == (Phase::HalfOpen { busy: true }) {
                state.phase = Phase::HalfOpen { busy: false };
            }
        }
    }
}

impl State {
    fn settle(&mut self, failed: bool, now: Instant) {
        match self.phase {
            Phase::Closed => {
                self.record(failed, now);
                if failed && self.has_too_many_failures() {
                    self.enter(Phase::Open { since: now });
                }
            }
            // The request was sent before the breaker opened.
            Phase::Open { .. } => {}
            Phase::HalfOpen { .. } if failed => self.enter(Phase::Open { since: now }),
            Phase::HalfOpen { .. } => {
                self.requests.clear();
                self.enter(Phase::Closed);
            }
        }
    }

    fn record(&mut self, failed: bool, now: Instant) {
        while let Some((at, _)) = self.requests.front()
            && (now.duration_since(*at) >= WINDOW || self.requests.len() >= REQUESTS_MAX)
        {
            self.requests.pop_front();
        }
        self.requests.push_back((now, failed));
    }

    fn has_too_many_failures(&self) -> bool {
        let failures = self.requests.iter().filter(|(_, failed)| *failed).count();
        self.requests.len() >= REQUESTS_MIN && failures * 100 >= self.requests.len() * FAILURE_PERCENT_MIN
    }

    fn enter(&mut self, phase: Phase) {
        if std::mem::discriminant(&self.phase) != std::mem::discriminant(&phase) {
            let (value, word) = match phase {
                Phase::Closed => (0.0, "closed"),
                Phase::HalfOpen { .. } => (1.0, "half_open"),
                Phase::Open { .. } => (2.0, "open"),
            };
            metrics::gauge!("circuit_breaker_state", "component" => COMPONENT).set(value);
            metrics::counter!("circuit_breaker_state_changes_total", "component" => COMPONENT, "to" => word)
                .increment(1);
            tracing::debug!(state = word, "the circuit breaker of Redis changed");
        }
        self.phase = phase;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(breaker: &Breaker, failed: bool) {
        breaker.admit().unwrap().settle(failed);
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        for _ in 0..5 {
            settle(&breaker, true);
        }
        assert!(breaker.admit().is_none());
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_at_sixty_percent_of_at_least_five_requests() {
        let breaker = Breaker::new();
        for failed in [true, true, true, false] {
            settle(&breaker, failed);
        }
        assert_eq!(breaker.phase(), Phase::Closed, "four requests are too few");
        settle(&breaker, false);
        assert_eq!(breaker.phase(), Phase::Closed, "a success does not open it");
        settle(&breaker, true);
        assert!(breaker.admit().is_none(), "four of six");
    }

    #[tokio::test(start_paused = true)]
    async fn under_sixty_percent_it_stays_closed() {
        let breaker = Breaker::new();
        for _ in 0..50 {
            settle(&breaker, false);
            settle(&breaker, true);
        }
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_from_before_the_window_do_not_count() {
        let breaker = Breaker::new();
        for _ in 0..4 {
            settle(&breaker, true);
        }
        tokio::time::advance(WINDOW).await;
        settle(&breaker, true);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_one_request_decides() {
        for (failed, is_open) in [(true, true), (false, false)] {
            let breaker = opened();
            tokio::time::advance(OPEN_FOR).await;
            let deciding = breaker.admit().unwrap();
            assert!(breaker.admit().is_none(), "one request at a time");
            deciding.settle(failed);
            assert_eq!(breaker.admit().is_none(), is_open);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_request_lets_the_next_one_decide() {
        let breaker = opened();
        tokio::time::advance(OPEN_FOR).await;
        drop(breaker.admit().unwrap());
        settle(&breaker, false);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_always_passes_and_closes_it() {
        let breaker = opened();
        breaker.admit_probe().settle(true);
        assert!(breaker.admit().is_none());
        breaker.admit_probe().settle(false);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_a_request_from_before_it_opened_does_not_close_it() {
        let breaker = Breaker::new();
        let early = breaker.admit().unwrap();
        for _ in 0..5 {
            settle(&breaker, true);
        }
        early.settle(false);
        assert!(breaker.admit().is_none());
    }
}
