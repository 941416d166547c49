//! The thread that owns the connection and runs the queries of its queue one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::gauge;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use super::opening::Opened;
use crate::error::{Failure, OpenError};

/// Queries in the queue: at 10 ms for a commit on a slow disk the last one waits 2.5 s, half its deadline.
const QUEUE_MAX: usize = 256;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    Run(Work),
    Stop,
}

/// The handle of the thread.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    thread: Mutex<Option<Running>>,
}

struct Running {
    thread: JoinHandle<()>,
    /// Closes when the file is closed and unlocked, a moment before the thread ends.
    closed: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts the thread and opens the database on it. Also returns the number of missing migrations.
    pub(super) async fn start(
        path: PathBuf,
        open: fn(&Path) -> Result<Opened, OpenError>,
    ) -> Result<(Arc<Self>, usize), OpenError> {
        let failed = |path: &Path, source| OpenError::Failed { path: path.to_owned(), source };
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let (ready, is_ready) = oneshot::channel();
        let (closing, closed) = oneshot::channel::<()>();
        let run = {
            let path = path.clone();
            move || match open(&path) {
                Ok(opened) => {
                    let _ = ready.send(Ok(opened.migrations_pending));
                    run_queue(opened, queue);
                    drop(closing);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        let spawned = thread::Builder::new().name("sqlite".to_owned()).spawn(run);
        let thread = spawned.map_err(|error| failed(&path, error.into()))?;
        let opened = is_ready.await;
        let pending = opened.map_err(|_| failed(&path, "opening it panicked".into()))??;
        let worker = Self { jobs, thread: Mutex::new(Some(Running { thread, closed })) };
        Ok((Arc::new(worker), pending))
    }

    /// Queues `work` and waits for its result. Work whose caller stopped waiting is not run.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let run = move |connection: &mut Connection| {
            if !reply.is_closed() {
                let _ = reply.send(work(connection));
            }
        };
        let queued = self.jobs.send(Job::Run(Box::new(run))).await;
        queued.map_err(|_| Failure::Unanswered("the file is closed"))?;
        let answered = answer.await;
        answered.unwrap_or(Err(Failure::Unanswered("the query panicked, or the file was closed")))
    }

    /// Ends the thread after the work in the queue, and waits for it, at most for `deadline`.
    pub(super) async fn stop(&self, deadline: Duration) {
        let running = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { thread, closed }) = running else {
            return;
        };
        // Errors mean that the thread has ended already.
        let ended = tokio::time::timeout(deadline, async {
            let _ = self.jobs.send(Job::Stop).await;
            let _ = closed.await;
        });
        if ended.await.is_err() {
            warn!("the SQLite file is still busy; the end of the process closes it");
            return;
        }
        if thread.join().is_err() {
            error!("the thread of the SQLite file panicked");
        }
    }
}

/// Runs the queue until it is stopped. Dropping `opened` closes the file, then unlocks it.
fn run_queue(mut opened: Opened, mut queue: mpsc::Receiver<Job>) {
    set_state(State::Idle);
    while let Some(Job::Run(run)) = queue.blocking_recv() {
        set_state(State::Active);
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut opened.connection)));
        if outcome.is_err() {
            error!("a SQLite query panicked; its caller got an error");
            roll_back(&opened.connection);
        }
        set_state(State::Idle);
    }
    set_state(State::Closed);
}

/// Rolls back the transaction that a panic left open. Otherwise later queries would become part of it.
fn roll_back(connection: &Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = connection.execute_batch("ROLLBACK") {
        error!(%error, "failed to roll back after a panic");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Active,
    Closed,
}

/// Sets the gauges of the connection's state. There is one connection, so each is 0 or 1.
fn set_state(now: State) {
    for (label, state) in [("idle", State::Idle), ("active", State::Active)] {
        let count = if state == now { 1.0 } else { 0.0 };
        gauge!("db_connections_current", "state" => label).set(count);
    }
}
