//! A cloneable handle to the hub for the rest of the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chatpulse_domain::session::SessionSeed;
use metrics::Gauge;
use tokio::sync::{mpsc, oneshot, watch};

use crate::frame::Frames;

/// Sends commands to the hub.
#[derive(Clone)]
pub struct HubHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) clients: Arc<Clients>,
}

pub(crate) enum Command {
    Watch { seed: Box<SessionSeed>, reply: oneshot::Sender<Result<watch::Receiver<Frames>, WatchError>> },
}

/// One socket's subscription to a session; dropping it unsubscribes.
pub struct Watching {
    /// Starts with the newest frames.
    pub frames: watch::Receiver<Frames>,
    _counted: Counted,
}

/// Why a session cannot be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The session has the maximum number of sockets on this instance.
    #[error("this session has as many overlays as it may")]
    Full,
    /// The overlay URL was replaced recently.
    #[error("the overlay has a new address")]
    Rotated,
    /// The hub has ended, because the server stops.
    #[error("the server is stopping")]
    Stopped,
}

impl HubHandle {
    /// Subscribes to a session that is already open.
    pub async fn watch(&self, seed: SessionSeed) -> Result<Watching, WatchError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Watch { seed: Box::new(seed), reply };
        self.commands.send(command).await.map_err(|_| WatchError::Stopped)?;
        let frames = answer.await.map_err(|_| WatchError::Stopped)??;
        Ok(Watching { frames, _counted: Counted::new(&self.clients) })
    }

    /// The number of connected sockets.
    pub fn clients(&self) -> usize {
        self.clients.count.load(Ordering::Relaxed)
    }
}

pub(crate) struct Clients {
    pub(crate) count: AtomicUsize,
    pub(crate) gauge: Gauge,
}

/// Counts a socket from its first frame until it is dropped.
struct Counted(Arc<Clients>);

impl Counted {
    fn new(clients: &Arc<Clients>) -> Self {
        clients.count.fetch_add(1, Ordering::Relaxed);
        clients.gauge.increment(1.0);
        Self(Arc::clone(clients))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.gauge.decrement(1.0);
    }
}
