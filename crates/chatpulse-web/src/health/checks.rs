//! Run the health checks, and keep their answer for a second, so that many probes do not become as many queries.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// How long an answer is kept.
const KEEP_FOR: Duration = Duration::from_secs(1);

/// All dependencies, checked within one deadline. Clones share the kept answer.
#[derive(Clone)]
pub(crate) struct Checks {
    inner: Arc<Inner>,
}

struct Inner {
    health: Vec<Arc<dyn HealthCheck>>,
    within: Duration,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    answer: Answer,
    found_at: Instant,
}

/// The state of each dependency, or the first that failed.
pub(crate) type Answer = Result<Map<String, Value>, Failed>;

/// A failed check. The words are safe for any client; the cause is only logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) check: &'static str,
    pub(crate) words: &'static str,
}

impl Checks {
    pub(crate) fn new(health: Vec<Arc<dyn HealthCheck>>, within: Duration) -> Self {
        Self { inner: Arc::new(Inner { health, within, kept: Mutex::default() }) }
    }

    /// Returns the kept answer, or checks again. Probes that arrive together wait for the same check.
    pub(crate) async fn answer(&self) -> Answer {
        let inner = Arc::clone(&self.inner);
        // A task of its own: a probe that hangs up must not end the check that others wait for.
        let answer = tokio::spawn(async move { inner.answer().await });
        answer.await.unwrap_or(Err(Failed { check: "health", words: "the check itself failed" }))
    }
}

impl Inner {
    async fn answer(&self) -> Answer {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.found_at.elapsed() < KEEP_FOR) {
            return kept.answer.clone();
        }
        let answer = self.check_all().await;
        *kept = Some(Kept { answer: answer.clone(), found_at: Instant::now() });
        answer
    }

    async fn check_all(&self) -> Answer {
        let deadline = Instant::now() + self.within;
        let mut states = Map::new();
        for health in &self.health {
            let state = check(health.as_ref(), deadline).await;
            let state = state.map_err(|words| Failed { check: health.name(), words })?;
            states.insert(health.name().to_owned(), Value::from(state));
        }
        Ok(states)
    }
}

/// A dependency that takes no writes leaves the server ready, since neither a restart nor another instance would help.
async fn check(health: &dyn HealthCheck, deadline: Instant) -> Result<&'static str, &'static str> {
    match timeout_at(deadline, health.check()).await {
        Ok(Ok(())) => Ok("ok"),
        Ok(Err(StoreError::RefusesWrites { .. })) => Ok("read_only"),
        Ok(Err(error)) => {
            warn!(check = health.name(), %error, "not ready");
            Err("it does not answer as it should")
        }
        Err(_) => {
            warn!(check = health.name(), "not ready: no answer in time");
            Err("it does not answer in time")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{advance, timeout};

    use super::*;

    /// Answers after `takes`, and counts how often it was asked.
    #[derive(Default)]
    struct Dependency {
        takes: Duration,
        asked: AtomicUsize,
    }

    #[async_trait::async_trait]
    impl HealthCheck for Dependency {
        fn name(&self) -> &'static str {
            "dependency"
        }

        async fn check(&self) -> Result<(), StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(self.takes).await;
            Ok(())
        }
    }

    fn checks(takes: Duration) -> (Arc<Dependency>, Checks) {
        let dependency = Arc::new(Dependency { takes, ..Dependency::default() });
        let checks = Checks::new(vec![Arc::clone(&dependency) as _], Duration::from_secs(4));
        (dependency, checks)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_one_second() {
        let (dependency, checks) = checks(Duration::ZERO);
        for _ in 0..50 {
            checks.answer().await.unwrap();
        }
        advance(Duration::from_millis(950)).await;
        checks.answer().await.unwrap();
        assert_eq!(dependency.asked.load(Ordering::Relaxed), 1);
        advance(Duration::from_millis(100)).await;
        checks.answer().await.unwrap();
        assert_eq!(dependency.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_up_does_not_end_the_check_that_others_wait_for() {
        let (dependency, checks) = checks(Duration::from_secs(3));
        let impatient = timeout(Duration::from_secs(1), checks.answer());
        let began = Instant::now();
        let (impatient, patient) = tokio::join!(impatient, checks.answer());
        assert!(impatient.is_err());
        patient.unwrap();
        assert_eq!((began.elapsed().as_secs(), dependency.asked.load(Ordering::Relaxed)), (3, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_kept_too_and_comes_within_the_deadline() {
        let (dependency, checks) = checks(Duration::from_mins(1));
        let began = Instant::now();
        let both = tokio::join!(checks.answer(), checks.answer());
        let failed = Failed { check: "dependency", words: "it does not answer in time" };
        assert_eq!(both, (Err(failed), Err(failed)));
        assert_eq!((began.elapsed().as_secs(), dependency.asked.load(Ordering::Relaxed)), (4, 1));
    }
}
