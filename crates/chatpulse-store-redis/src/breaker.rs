//! Stops asking Redis while it is out of reach, so that nobody waits for what will not come.
//!
//! Closed: all pass. At [`FAILURES_AT_LEAST`] failed out of at least [`CALLS_AT_LEAST`] within [`WINDOW`] it opens:
//! nobody passes. After [`PAUSE`] it is half open: one call at a time passes, and its result closes or opens it again.
//! The probe of every second always passes, so that it closes without any traffic.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is looked back at.
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer calls than this say nothing.
const CALLS_AT_LEAST: usize = 5;
/// In percent.
const FAILURES_AT_LEAST: usize = 60;
/// Calls remembered: at more than this in a window, the newest decide.
const CALLS_MAX: usize = 256;
/// Open for at least so long.
const PAUSE: Duration = Duration::from_secs(1);

/// The value of the label `component`.
const COMPONENT: &str = "redis";

#[derive(Debug)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// When and whether each call of late failed, oldest first.
    calls: VecDeque<(Instant, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    Open {
        since: Instant,
    },
    /// `busy`: a call is on its way that decides.
    HalfOpen {
        busy: bool,
    },
}

/// A call that may be made. Dropped without a verdict (the caller went away) it lets the next one try.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    breaker: &'a Breaker,
    is_settled: bool,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        metrics::gauge!("circuit_breaker_state", "component" => COMPONENT).set(0.0);
        Self { state: Mutex::new(State { phase: Phase::Closed, calls: VecDeque::new() }) }
    }

    /// `None`: do not ask.
    pub(crate) fn admit(&self) -> Option<Admission<'_>> {
        let mut state = self.enter();
        match state.phase {
            Phase::Closed => {}
            Phase::Open { since } if since.elapsed() < PAUSE => return None,
            Phase::HalfOpen { busy: true } => return None,
            Phase::Open { .. } | Phase::HalfOpen { busy: false } => {
                state.enter(Phase::HalfOpen { busy: true });
            }
        }
        Some(self.admission())
    }

    /// For the probe, which always passes and decides.
    pub(crate) fn admit_probe(&self) -> Admission<'_> {
        let mut state = self.enter();
        if state.phase != Phase::Closed {
            state.enter(Phase::HalfOpen { busy: true });
        }
        drop(state);
        self.admission()
    }

    #[cfg(test)]
    pub(crate) fn phase(&self) -> Phase {
        self.enter().phase
    }

    fn admission(&self) -> Admission<'_> {
        Admission { breaker: self, is_settled: false }
    }

    fn enter(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Redis answered, or it did not.
    pub(crate) fn settle(mut self, failed: bool) {
        self.is_settled = true;
        self.breaker.enter().settle(failed, Instant::now());
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            let mut state = self.breaker.enter();
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
                self.note(failed, now);
                if failed && self.is_too_much() {
                    self.enter(Phase::Open { since: now });
                }
            }
            // A call from before it opened says nothing about now.
            Phase::Open { .. } => {}
            Phase::HalfOpen { .. } if failed => self.enter(Phase::Open { since: now }),
            Phase::HalfOpen { .. } => {
                self.calls.clear();
                self.enter(Phase::Closed);
            }
        }
    }

    fn note(&mut self, failed: bool, now: Instant) {
        while let Some((at, _)) = self.calls.front()
            && (now.duration_since(*at) >= WINDOW || self.calls.len() >= CALLS_MAX)
        {
            self.calls.pop_front();
        }
        self.calls.push_back((now, failed));
    }

    fn is_too_much(&self) -> bool {
        let failures = self.calls.iter().filter(|(_, failed)| *failed).count();
        self.calls.len() >= CALLS_AT_LEAST && failures * 100 >= self.calls.len() * FAILURES_AT_LEAST
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
            tracing::debug!("the circuit breaker round Redis is {word}");
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
    async fn it_opens_at_sixty_percent_of_at_least_five() {
        let breaker = Breaker::new();
        for failed in [true, true, true, false] {
            settle(&breaker, failed);
        }
        assert_eq!(breaker.phase(), Phase::Closed, "four are too few");
        settle(&breaker, false);
        assert_eq!(breaker.phase(), Phase::Closed, "a success opens nothing");
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
    async fn failures_of_long_ago_do_not_count() {
        let breaker = Breaker::new();
        for _ in 0..4 {
            settle(&breaker, true);
        }
        tokio::time::advance(WINDOW).await;
        settle(&breaker, true);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_one_call_decides() {
        for (failed, is_open) in [(true, true), (false, false)] {
            let breaker = opened();
            tokio::time::advance(PAUSE).await;
            let deciding = breaker.admit().unwrap();
            assert!(breaker.admit().is_none(), "one at a time");
            deciding.settle(failed);
            assert_eq!(breaker.admit().is_none(), is_open);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_goes_away_lets_the_next_one_try() {
        let breaker = opened();
        tokio::time::advance(PAUSE).await;
        drop(breaker.admit().unwrap());
        settle(&breaker, false);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_passes_at_any_time_and_closes_it() {
        let breaker = opened();
        breaker.admit_probe().settle(true);
        assert!(breaker.admit().is_none());
        breaker.admit_probe().settle(false);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_from_before_it_opened_does_not_close_it() {
        let breaker = Breaker::new();
        let early = breaker.admit().unwrap();
        for _ in 0..5 {
            settle(&breaker, true);
        }
        early.settle(false);
        assert!(breaker.admit().is_none());
    }
}
