//! Two jobs that do one thing at intervals: compare settings with the database, and delete expired logins.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{after_every, every};
use crate::sessions::{DriftReport, Sessions};

/// How often expired logins are deleted.
const SWEEP_LOGINS_EVERY: Duration = Duration::from_hours(1);

/// Compares every live session with the database, at the leader.
pub struct SettingsReconciler {
    pub(super) sessions: Arc<Sessions>,
    pub(super) leadership: Arc<dyn Leadership>,
    pub(super) interval: Duration,
    pub(super) on_round: Box<dyn Fn(&DriftReport) + Send + Sync>,
}

impl SettingsReconciler {
    /// Calls `listener` after every round; for metrics.
    #[must_use]
    pub fn on_round(mut self, listener: impl Fn(&DriftReport) + Send + Sync + 'static) -> Self {
        self.on_round = Box::new(listener);
        self
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut rounds = after_every(self.interval);
        let work = async {
            loop {
                rounds.tick().await;
                if self.leadership.is_leader().await {
                    (self.on_round)(&self.sessions.reconcile().await);
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }
}

/// Deletes expired logins every hour.
pub struct LoginSweeper {
    pub(super) logins: Arc<dyn LoginSessions>,
    pub(super) clock: Arc<dyn Clock>,
}

impl LoginSweeper {
    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut sweeps = every(SWEEP_LOGINS_EVERY);
        let work = async {
            loop {
                sweeps.tick().await;
                if let Err(error) = self.logins.delete_expired(self.clock.now()).await {
                    warn!(%error, "failed to delete expired logins; trying again in an hour");
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }
}
