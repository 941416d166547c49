//! The real time, in two kinds.

use std::time::SystemTime;

use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::time::Timestamp;
use tokio::time::Instant;

/// What the calendar says: for logins and message times, which others measure too.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// Begins with the calendar and then only runs forward: a clock that is set back must not freeze every bar.
pub(crate) struct SteadyClock {
    began: Timestamp,
    since: Instant,
}

impl SteadyClock {
    pub(crate) fn new() -> Self {
        Self { began: SystemClock.now(), since: Instant::now() }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.began.plus(self.since.elapsed())
    }
}
