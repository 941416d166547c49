//! A clock that stands still until the test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::time::Timestamp;

use crate::contract::TimeControl;

/// The first time of [`TestClock::new`]: 2026-01-01 UTC, in Unix milliseconds.
pub const START_MS: i64 = 1_767_225_600_000;

/// A clock that the test sets. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock {
    unix_ms: Arc<AtomicI64>,
}

impl TestClock {
    /// A clock at [`START_MS`].
    pub fn new() -> Self {
        Self::at(START_MS)
    }

    /// A clock at this Unix time in milliseconds.
    pub fn at(unix_ms: i64) -> Self {
        Self { unix_ms: Arc::new(AtomicI64::new(unix_ms)) }
    }

    /// Moves all clones forward.
    pub fn advance(&self, span: Duration) {
        let later = self.now().plus(span);
        self.unix_ms.store(later.unix_ms, Ordering::SeqCst);
    }

    /// Moves all clones to this Unix time in milliseconds, backwards too.
    pub fn set(&self, unix_ms: i64) {
        self.unix_ms.store(unix_ms, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.unix_ms.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl TimeControl for TestClock {
    async fn advance(&self, span: Duration) {
        Self::advance(self, span);
    }
}
