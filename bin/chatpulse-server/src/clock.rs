//! Two clocks: wall clock and monotonic clock.

use std::time::SystemTime;

use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::time::Timestamp;
use tokio::time::Instant;

/// Wall clock, for logins and message times, which are compared with times set by other machines.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// Monotonic clock that starts at the wall-clock time. Bars use it, because setting back the wall clock would freeze
/// them.
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
