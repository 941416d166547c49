//! What every request, socket and task of one simulated Twitch shares.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::SimConfig;
use crate::eventsub::webhook;
use crate::world::World;

/// Webhook messages that were not taken yet, those waiting for another attempt included. A
/// notification is under 6 kB, so this is under 60 MB; then publishers wait.
const BACKLOG_MAX: usize = 10_000;
/// Requests to webhooks at once.
const POSTS_MAX: usize = 128;

/// The world behind its lock, and what tasks need to run and to end.
pub(crate) struct Shared {
    pub(crate) config: SimConfig,
    pub(crate) address: SocketAddr,
    world: Mutex<World>,
    changed: watch::Sender<()>,
    pub(crate) http: reqwest::Client,
    pub(crate) backlog: Arc<Semaphore>,
    pub(crate) posts: Semaphore,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    runtime: Handle,
}

impl Shared {
    pub(crate) fn new(config: SimConfig, address: SocketAddr) -> io::Result<Self> {
        let world = Mutex::new(World::new(&config));
        Ok(Self {
            http: webhook::client(&config.limits)?,
            config,
            address,
            world,
            changed: watch::Sender::new(()),
            backlog: Arc::new(Semaphore::new(BACKLOG_MAX)),
            posts: Semaphore::new(POSTS_MAX),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
        })
    }

    /// Looks at the world.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world and wakes whoever waits for a change.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let result = change(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
        result
    }

    /// Tells of every later change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Runs a task that ends when Twitch stops, on the runtime that started Twitch: a worker of the
    /// HTTP server may be gone earlier.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let task = async move {
            stop.run_until_cancelled_owned(task).await;
        };
        self.tasks.spawn_on(task, &self.runtime);
    }
}
