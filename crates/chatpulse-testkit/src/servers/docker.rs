//! Servers in Docker, for a machine that has neither an address nor programs of its own to test with.
//!
//! A container shares the host's network, so a server there listens as one of the machine's own would: same ports, same
//! options, and nodes of a cluster find each other. Docker's client is asynchronous and our servers are not, so each
//! container is kept by a thread with a runtime of its own.

use std::sync::mpsc as answers;
use std::thread::JoinHandle;
use std::time::Duration;

use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::redis::Redis;
use testcontainers_modules::testcontainers::runners::AsyncRunner;
use testcontainers_modules::testcontainers::{
    ContainerAsync, ContainerRequest, Image, ImageExt, TestcontainersError,
};
use tokio::sync::mpsc;

/// Versions that the product promises to work with.
const REDIS_TAG: &str = "7";
const POSTGRES_TAG: &str = "15";

/// An image may have to be fetched first.
const STARTED_WITHIN: Duration = Duration::from_mins(5);

/// What a container is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// Stands still in the middle of whatever it does.
    Pause,
    /// Goes on.
    Unpause,
    /// Ends orderly, and keeps what it held.
    Stop,
    /// Ends at once, and keeps what it held.
    Kill,
    /// Starts again after either.
    Start,
}

/// An order, and who waits for it to be carried out.
type Ordered = (Order, answers::Sender<Result<(), String>>);

/// A server in a container; removed when dropped.
#[derive(Debug)]
pub(super) struct Container {
    orders: Option<mpsc::UnboundedSender<Ordered>>,
    keeper: Option<JoinHandle<()>>,
}

impl Container {
    /// Redis with these options, ready. `Err` says why there is none.
    pub(super) fn redis(options: &[String]) -> Result<Self, String> {
        let command = std::iter::once("redis-server".to_owned()).chain(options.iter().cloned());
        Self::keep(Redis::default().with_tag(REDIS_TAG).with_network("host").with_cmd(command))
    }

    /// PostgreSQL with these settings (`name=value`), ready. `Err` says why there is none.
    pub(super) fn postgres(user: &str, password: &str, settings: &[String]) -> Result<Self, String> {
        let postgres = Postgres::default().with_user(user).with_password(password).with_db_name("postgres");
        let command = settings.iter().flat_map(|setting| ["-c".to_owned(), setting.clone()]);
        Self::keep(postgres.with_tag(POSTGRES_TAG).with_network("host").with_cmd(command))
    }

    /// Waits until it is done.
    pub(super) fn order(&self, order: Order) -> Result<(), String> {
        let (sender, answer) = answers::channel();
        let orders = self.orders.as_ref().ok_or("its keeper is gone")?;
        orders.send((order, sender)).map_err(|_| "its keeper is gone")?;
        answer.recv().map_err(|_| "its keeper is gone")?
    }

    fn keep<I: Image + 'static>(request: ContainerRequest<I>) -> Result<Self, String> {
        let (started, is_started) = answers::channel();
        let (orders, queue) = mpsc::unbounded_channel();
        let keeper = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(keep(request.with_startup_timeout(STARTED_WITHIN), &started, queue));
        });
        let container = Self { orders: Some(orders), keeper: Some(keeper) };
        is_started.recv().map_err(|_| "its keeper is gone".to_owned())?.map(|()| container)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

async fn keep<I: Image>(
    request: ContainerRequest<I>,
    started: &answers::Sender<Result<(), String>>,
    mut orders: mpsc::UnboundedReceiver<Ordered>,
) {
    let container = match request.start().await {
        Ok(container) => container,
        Err(error) => return drop(started.send(Err(error.to_string()))),
    };
    let _ = started.send(Ok(()));
    while let Some((order, answer)) = orders.recv().await {
        let done = carry_out(&container, order).await.map_err(|error| error.to_string());
        let _ = answer.send(done);
    }
    let _ = container.rm().await;
}

async fn carry_out<I: Image>(container: &ContainerAsync<I>, order: Order) -> Result<(), TestcontainersError> {
    match order {
        Order::Pause => container.pause().await,
        Order::Unpause => container.unpause().await,
        Order::Stop => container.stop().await,
        Order::Kill => container.stop_with_timeout(Some(0)).await,
        Order::Start => container.start().await,
    }
}
