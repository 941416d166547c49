//! What runs beside the requests. Each field of [`Housekeeping`] is one job with a `run(stop)` of its own.
//!
//! Whoever starts the server owns one task for each job, so that none waits for another's store: a database that hangs
//! must not keep a saved setting from arriving. A job that ends before `stop` has failed.

mod cleanup;
mod grants;
mod overlays;
mod periodic;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at};

use crate::mod_commands::{ModCommandRequest, ModCommandWorker};
use crate::sessions::Closing;
use crate::withdrawals::{Withdrawal, WithdrawalWorker};
use crate::{Engine, Policy, Ports};
use cleanup::Cleanup;
pub use cleanup::{CleanupReport, CleanupWorker};
pub use grants::{GrantCheck, GrantChecker};
pub use overlays::{OverlayCloser, OverlayUpdater, SignalListener};
pub use periodic::{LoginSweeper, SettingsReconciler};

/// How long a job waits before it tries a store again that failed.
pub(crate) const RETRY_EVERY: Duration = Duration::from_secs(2);

/// Updates that wait for a store: one second of a hundred saves and rotations. More than that counts as a gap.
const UPDATES_MAX: usize = 128;

/// Channels whose session changed and that clean-up has not checked: every streamer of an instance at once. More than
/// that counts as a gap.
const CHANGES_MAX: usize = 4_096;

/// Every job.
pub struct Housekeeping {
    /// Receives signals and hands them on.
    pub signals: SignalListener,
    /// Applies to open overlays what signals announced.
    pub updates: OverlayUpdater,
    /// Closes overlays whose socket ended.
    pub closings: OverlayCloser,
    /// Deletes orphaned sessions and stops reading their chats.
    pub cleanup: CleanupWorker,
    /// Compares live sessions with the database.
    pub reconciliation: SettingsReconciler,
    /// Deletes expired logins.
    pub logins: LoginSweeper,
    /// Validates users' tokens and renews them.
    pub grants: GrantChecker,
    /// Ends the grants that users took back.
    pub withdrawals: WithdrawalWorker,
    /// Runs moderators' commands.
    pub mod_commands: ModCommandWorker,
}

/// What other parts of the engine leave to be done.
pub(crate) struct Queues {
    pub(crate) closings: mpsc::Receiver<Closing>,
    pub(crate) withdrawals: mpsc::Receiver<Withdrawal>,
    pub(crate) mod_commands: mpsc::Receiver<ModCommandRequest>,
}

impl Housekeeping {
    pub(crate) fn new(ports: &Ports, policy: &Policy, engine: &Engine, queues: Queues) -> Self {
        let (updates, updates_due) = mpsc::channel(UPDATES_MAX);
        let (changes, changes_due) = mpsc::channel(CHANGES_MAX);
        let (missed_updates, missed_changes) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let sessions = || Arc::clone(&engine.sessions);
        Self {
            signals: SignalListener {
                signals: Arc::clone(&ports.signals),
                sessions: sessions(),
                cache: Arc::clone(&engine.cache),
                updates,
                changes,
                missed_updates: Arc::clone(&missed_updates),
                missed_changes: Arc::clone(&missed_changes),
            },
            updates: OverlayUpdater { sessions: sessions(), due: updates_due, missed: missed_updates },
            closings: OverlayCloser { sessions: sessions(), due: queues.closings },
            cleanup: CleanupWorker {
                cleanup: Cleanup::new(ports, policy, sessions()),
                changed: changes_due,
                missed: missed_changes,
                interval: policy.cleanup_interval,
                on_round: Box::new(|_| {}),
            },
            reconciliation: SettingsReconciler {
                sessions: sessions(),
                leadership: Arc::clone(&ports.leadership),
                interval: policy.reconcile_interval,
                on_round: Box::new(|_| {}),
            },
            logins: LoginSweeper {
                logins: Arc::clone(&ports.login_sessions),
                clock: Arc::clone(&ports.clock),
            },
            grants: GrantChecker::new(ports),
            withdrawals: WithdrawalWorker { tokens: Arc::clone(&ports.tokens), due: queues.withdrawals },
            mod_commands: ModCommandWorker::new(ports, Arc::clone(&engine.settings), queues.mod_commands),
        }
    }
}

/// Ticks at once, then every `span`.
fn every(span: Duration) -> Interval {
    delayed(interval(span))
}

/// Ticks every `span`, the first time after one.
fn after_every(span: Duration) -> Interval {
    delayed(interval_at(Instant::now() + span, span))
}

/// After a round that took long, the next comes a whole span later.
fn delayed(mut rounds: Interval) -> Interval {
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
}
