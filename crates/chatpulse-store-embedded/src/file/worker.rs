//! The thread that owns the connection. Callers queue for it; SQLite sees one of them at a time.

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

/// Calls that wait for their turn: at 10 ms for a commit on a slow disk the last one waits 2.5 s, half its deadline.
const CALLS_MAX: usize = 256;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    Run(Work),
    Stop,
}

/// Hands work to the thread, and ends it.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    thread: Mutex<Option<Running>>,
}

struct Running {
    thread: JoinHandle<()>,
    /// Ends when the file is closed and unlocked, a moment before the thread does.
    closed: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts the thread and opens the database on it. Returns how many migrations are still to be applied too.
    pub(super) async fn start(
        path: PathBuf,
        open: fn(&Path) -> Result<Opened, OpenError>,
    ) -> Result<(Arc<Self>, usize), OpenError> {
        let failed = |path: &Path, source| OpenError::Failed { path: path.to_owned(), source };
        let (jobs, queue) = mpsc::channel(CALLS_MAX);
        let (ready, is_ready) = oneshot::channel();
        let (at_the_end, closed) = oneshot::channel::<()>();
        let run = {
            let path = path.clone();
            move || match open(&path) {
                Ok(opened) => {
                    let _ = ready.send(Ok(opened.migrations_pending));
                    work(opened, queue);
                    drop(at_the_end);
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

    /// Runs `work` in its turn and waits for what it returns. Whoever stops waiting before its turn is not served.
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
        answered.unwrap_or(Err(Failure::Unanswered("the call panicked or the file was closed")))
    }

    /// Ends the thread after the work that came before, and waits for its end, at most for `deadline`.
    pub(super) async fn stop(&self, deadline: Duration) {
        let running = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { thread, closed }) = running else {
            return;
        };
        // Errors mean that it has ended already.
        let ended = tokio::time::timeout(deadline, async {
            let _ = self.jobs.send(Job::Stop).await;
            let _ = closed.await;
        });
        if ended.await.is_err() {
            warn!("the SQLite file is still busy; leaving it to the end of the process");
            return;
        }
        if thread.join().is_err() {
            error!("the thread of the SQLite file ended in a panic");
        }
    }
}

/// The life of the thread. Dropping what was opened closes the file, then frees its lock.
fn work(mut opened: Opened, mut queue: mpsc::Receiver<Job>) {
    show(State::Idle);
    while let Some(Job::Run(run)) = queue.blocking_recv() {
        show(State::Active);
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut opened.connection)));
        if outcome.is_err() {
            error!("a SQLite query panicked; its caller was told that the store is unavailable");
            abandon_transaction(&opened.connection);
        }
        show(State::Idle);
    }
    show(State::Closed);
}

/// A panic may have left one open, and it would take in whatever comes next.
fn abandon_transaction(connection: &Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = connection.execute_batch("ROLLBACK") {
        error!(%error, "could not roll back after a panic");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Active,
    Closed,
}

/// There is one connection, so each state's gauge is 0 or 1.
fn show(now: State) {
    for (label, state) in [("idle", State::Idle), ("active", State::Active)] {
        let count = if state == now { 1.0 } else { 0.0 };
        gauge!("db_connections_current", "state" => label).set(count);
    }
}
