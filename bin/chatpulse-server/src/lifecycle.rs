//! Startup and shutdown: one stop token, one task tracker and one grace period.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// The signals that ask for a stop.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if the process was started with this signal ignored, as `nohup` does.
    hangup: Option<Signal>,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        let hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {}, _ = hangup => {} }
    }
}

/// Returns whether SIGHUP was ignored when the process began. Where there is no `/proc`, it was not.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1, SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

/// Owns every long-running task.
pub(crate) struct Lifecycle {
    /// Cancelled as soon as a stop is asked for. The server goes on serving until `stop`.
    pub(crate) leaving: CancellationToken,
    /// Cancelled once, after a signal or by a task that ended too early.
    pub(crate) stop: CancellationToken,
    /// Cancelled after HTTP has been drained. Tasks that requests depend on run until then.
    pub(crate) after_http: CancellationToken,
    tasks: TaskTracker,
    failed: CancellationToken,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self {
            leaving: CancellationToken::new(),
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

    /// Starts a graceful shutdown on SIGTERM, SIGINT or SIGHUP: `leaving` at once, `stop` after `drain`. A second
    /// signal exits at once.
    pub(crate) fn stop_on_signals(&self, drain: Duration) -> std::io::Result<()> {
        let mut signals = StopSignals::listen()?;
        let (leaving, stop) = (self.leaving.clone(), self.stop.clone());
        tokio::spawn(async move {
            signals.next().await;
            // Cancel before logging: whoever reads the log line must find the server not ready.
            leaving.cancel();
            if drain.is_zero() {
                stop.cancel();
                info!("stopping; a second signal exits at once");
            } else {
                let drain_ms = drain.as_millis();
                info!(
                    drain_ms,
                    "stopping; a second signal exits at once; serving until SHUTDOWN_DRAIN is over"
                );
                tokio::select! {
                    () = sleep(drain) => stop.cancel(),
                    () = signals.next() => std::process::exit(1),
                }
            }
            signals.next().await;
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
