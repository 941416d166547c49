//! State shared by all requests, sockets and tasks of one simulated Twitch.

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

/// Maximum number of undelivered webhook messages, including those that wait for a retry. A notification is under 6 kB,
/// so this is under 60 MB. Publishers wait when it is reached.
const BACKLOG_MAX: usize = 10_000;
/// Maximum number of concurrent webhook requests.
const POSTS_MAX: usize = 128;

/// The world behind its lock, and what tasks need to run and to stop.
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

    /// Reads the world.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world and wakes all waiters.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let result = change(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
        result
    }

    /// Returns a receiver that is notified of every later change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Spawns a task that ends when Twitch stops. It runs on the runtime that started Twitch, because a worker of the
    /// HTTP server may end earlier.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let task = async move {
            stop.run_until_cancelled_owned(task).await;
        };
        self.tasks.spawn_on(task, &self.runtime);
    }
}
