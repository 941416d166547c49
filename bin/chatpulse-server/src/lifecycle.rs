//! Startup and shutdown: one stop token, one task tracker and one grace period.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// Owns every long-running task.
pub(crate) struct Lifecycle {
    /// Cancelled once, by a signal or by a task that ended too early.
    pub(crate) stop: CancellationToken,
    /// Cancelled after HTTP has been drained. Tasks that requests depend on run until then.
    pub(crate) after_http: CancellationToken,
    tasks: TaskTracker,
    failed: CancellationToken,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self {
            stop: CancellationToken::new(),
            after_http: CancellationToken::new(),
            tasks: TaskTracker::new(),
            failed: CancellationToken::new(),
        }
    }

    /// Spawns a task that must run as long as the process. If the task ends or panics earlier, the process stops with a
    /// failing exit status, because a restart is better than a server that reports healthy and works only in part.
    pub(crate) fn own(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (stop, failed) = (self.stop.clone(), self.failed.clone());
        let running = tokio::spawn(task);
        self.tasks.spawn(async move {
            let ended = running.await;
            if !stop.is_cancelled() {
                error!(
                    task = name,
                    panicked = ended.is_err(),
                    "a part of the server ended by itself; stopping"
                );
                failed.cancel();
                stop.cancel();
            }
        });
    }

    /// Starts a graceful shutdown on SIGTERM or SIGINT. A second signal exits at once.
    pub(crate) fn stop_on_signals(&self) -> std::io::Result<()> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            // Cancel before logging: whoever reads the log line must find the server not ready.
            stop.cancel();
            info!("stopping; a second signal exits at once");
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            std::process::exit(1);
        });
        Ok(())
    }

    /// Waits at most `grace` for all tasks to end. Returns true if none failed.
    pub(crate) async fn wind_down(&self, grace: Duration) -> bool {
        self.tasks.close();
        if timeout(grace, self.tasks.wait()).await.is_err() {
            error!("some parts did not stop in time");
            return false;
        }
        !self.failed.is_cancelled()
    }
}
