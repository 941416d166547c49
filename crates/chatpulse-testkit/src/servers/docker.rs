//! Servers in Docker, for a machine without a given server and without installed programs.
//!
//! A container shares the host's network, so a server in it has the same ports and options as a local one, and the nodes
//! of a cluster find each other. Docker's client is asynchronous and the servers here are not, so each container has a
//! thread with a runtime.

use std::sync::mpsc as results;
use std::thread::JoinHandle;
use std::time::Duration;

use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::redis::Redis;
use testcontainers_modules::testcontainers::runners::AsyncRunner;
use testcontainers_modules::testcontainers::{
    ContainerAsync, ContainerRequest, Image, ImageExt, TestcontainersError,
};
use tokio::sync::mpsc;

/// The oldest versions that the product supports.
const REDIS_TAG: &str = "7";
const POSTGRES_TAG: &str = "15";

/// Deadline for a start, which may have to download the image first.
const STARTED_WITHIN: Duration = Duration::from_mins(5);

const THREAD_ENDED: &str = "the thread of the container ended";

/// A command for a container.
#[derive(Debug, Clone, Copy)]
pub(super) enum Command {
    /// Stop all processes where they are.
    Pause,
    /// Continue after [`Command::Pause`].
    Unpause,
    /// Shut down, and keep the data.
    Stop,
    /// Kill without a shutdown, and keep the data.
    Kill,
    /// Start again after either.
    Start,
}

/// A command, and the sender of its result.
type Request = (Command, results::Sender<Result<(), String>>);

/// A server in a container, which is removed when dropped.
#[derive(Debug)]
pub(super) struct Container {
    requests: Option<mpsc::UnboundedSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Container {
    /// Starts Redis with these options. `Err` says why it did not start.
    pub(super) fn redis(options: &[String]) -> Result<Self, String> {
        let command = std::iter::once("redis-server".to_owned()).chain(options.iter().cloned());
        Self::start(Redis::default().with_tag(REDIS_TAG).with_network("host").with_cmd(command))
    }

    /// Starts PostgreSQL with these settings (`name=value`). `Err` says why it did not start.
    pub(super) fn postgres(user: &str, password: &str, settings: &[String]) -> Result<Self, String> {
        let postgres = Postgres::default().with_user(user).with_password(password).with_db_name("postgres");
        let command = settings.iter().flat_map(|setting| ["-c".to_owned(), setting.clone()]);
        Self::start(postgres.with_tag(POSTGRES_TAG).with_network("host").with_cmd(command))
    }

    /// Runs a command and waits for its result.
    pub(super) fn run(&self, command: Command) -> Result<(), String> {
        let (sender, result) = results::channel();
        let requests = self.requests.as_ref().ok_or(THREAD_ENDED)?;
        requests.send((command, sender)).map_err(|_| THREAD_ENDED)?;
        result.recv().map_err(|_| THREAD_ENDED)?
    }

    fn start<I: Image + 'static>(request: ContainerRequest<I>) -> Result<Self, String> {
        let (started, is_started) = results::channel();
        let (requests, queue) = mpsc::unbounded_channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(request.with_startup_timeout(STARTED_WITHIN), &started, queue));
        });
        let container = Self { requests: Some(requests), thread: Some(thread) };
        is_started.recv().map_err(|_| THREAD_ENDED.to_owned())?.map(|()| container)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the container, runs its commands until the sender is dropped, then removes it.
async fn run<I: Image>(
    request: ContainerRequest<I>,
    started: &results::Sender<Result<(), String>>,
    mut requests: mpsc::UnboundedReceiver<Request>,
) {
    let container = match request.start().await {
        Ok(container) => container,
        Err(error) => return drop(started.send(Err(error.to_string()))),
    };
    let _ = started.send(Ok(()));
    while let Some((command, result)) = requests.recv().await {
        let done = execute(&container, command).await.map_err(|error| error.to_string());
        let _ = result.send(done);
    }
    let _ = container.rm().await;
}

async fn execute<I: Image>(
    container: &ContainerAsync<I>,
    command: Command,
) -> Result<(), TestcontainersError> {
    match command {
        Command::Pause => container.pause().await,
        Command::Unpause => container.unpause().await,
        Command::Stop => container.stop().await,
        Command::Kill => container.stop_with_timeout(Some(0)).await,
        Command::Start => container.start().await,
    }
}
