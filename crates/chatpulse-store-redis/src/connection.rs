//! The connection to Redis. Read [`Redis::run`]: every request asks the breaker, gets a deadline, is counted and timed,
//! and its failure gets a kind. There is no other way to Redis.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chatpulse_domain::ports::error::StoreError;
use fred::clients::{Client, Pool, SubscriberClient};
use fred::error::Error as FredError;
use fred::interfaces::ClientLike;
use fred::types::Builder;
use fred::types::config::Server;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::breaker::{Admission, Breaker};
use crate::config::RedisConfig;
use crate::error::{ConnectError, Failure};
use crate::library::Library;
use crate::operation::Operation;
use crate::store_clock::StoreClock;

/// How much later than the client's own deadline ours ends a request.
const SLACK: Duration = Duration::from_millis(50);

/// How long closing a connection that was never used may take.
const QUIT_WITHIN: Duration = Duration::from_millis(200);

/// A connected Redis or Redis Cluster. Clones share the connections.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    builder: Builder,
    library: Library,
    breaker: Breaker,
    clock: StoreClock,
    /// Whether the last probe was answered.
    reachable: watch::Sender<bool>,
    /// Why the last probe was not allowed to write, in the server's words; `None` if it was.
    refusal: watch::Sender<Option<String>>,
    /// Rises whenever Redis may have lost data.
    state_losses: watch::Sender<u64>,
    deadline: Duration,
    connect_timeout: Duration,
    /// The number of the database; 0 in a cluster.
    database: u8,
}

impl Redis {
    /// Connects, without loading the functions.
    pub(crate) async fn open(config: &RedisConfig, library: Library) -> Result<Self, ConnectError> {
        let builder = config.builder()?;
        let database = builder.get_config().and_then(|client| client.database).unwrap_or(0);
        let pool = builder.build_pool(config.connections.max(1)).map_err(ConnectError::unreachable)?;
        let connected = timeout(config.connect_timeout + SLACK, pool.init()).await;
        let failed = match connected {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(ConnectError::unreachable(error)),
            Err(late) => Some(ConnectError::unreachable(late)),
        };
        let inner = Inner {
            pool,
            builder,
            library,
            breaker: Breaker::new(),
            clock: StoreClock::new(config.deadline),
            reachable: watch::Sender::new(true),
            refusal: watch::Sender::new(None),
            state_losses: watch::Sender::new(0),
            deadline: config.deadline,
            connect_timeout: config.connect_timeout,
            database,
        };
        let redis = Self { inner: Arc::new(inner) };
        match failed {
            None => Ok(redis),
            Some(error) => {
                redis.abort().await;
                Err(error)
            }
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        let _ = timeout(self.inner.connect_timeout, self.inner.pool.quit()).await;
    }

    /// Closes all connections after a failed start, so that no task goes on trying.
    pub(crate) async fn abort(&self) {
        let _ = timeout(QUIT_WITHIN, self.inner.pool.quit()).await;
    }

    /// Whether the last probe was answered. Notifies when that changes.
    pub fn reachable(&self) -> watch::Receiver<bool> {
        self.inner.reachable.subscribe()
    }

    pub(crate) fn set_reachable(&self, is_reachable: bool) {
        let changed =
            self.inner.reachable.send_if_modified(|was| std::mem::replace(was, is_reachable) != is_reachable);
        if changed && is_reachable {
            self.suspect_state_loss();
        }
    }

    /// Why Redis takes no writes although it answers, in its own words; `None` while it takes them. Notifies when that
    /// changes.
    pub fn refusal(&self) -> watch::Receiver<Option<String>> {
        self.inner.refusal.subscribe()
    }

    /// Fails while Redis takes no writes.
    pub(crate) fn check_refusal(&self) -> Result<(), Failure> {
        self.inner.refusal.borrow().clone().map_or(Ok(()), |words| Err(Failure::RefusesWrites(words)))
    }

    pub(crate) fn set_refusal(&self, refusal: Option<String>) {
        self.inner.refusal.send_if_modified(|was| {
            // The words may count something; only the beginning and the end matter to listeners.
            let changed = was.is_some() != refusal.is_some();
            *was = refusal;
            changed
        });
    }

    /// Notifies whenever Redis may have lost data: it was out of reach, it lost the functions, or a key was missing.
    /// Whoever has data there checks it then.
    pub(crate) fn state_losses(&self) -> watch::Receiver<u64> {
        self.inner.state_losses.subscribe()
    }

    pub(crate) fn suspect_state_loss(&self) {
        self.inner.state_losses.send_modify(|losses| *losses += 1);
    }

    pub(crate) fn library(&self) -> &Library {
        &self.inner.library
    }

    pub(crate) fn clock(&self) -> &StoreClock {
        &self.inner.clock
    }

    pub(crate) fn clients(&self) -> &[Client] {
        self.inner.pool.clients()
    }

    pub(crate) fn database(&self) -> u8 {
        self.inner.database
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.inner.connect_timeout
    }

    /// A new connection for a subscription.
    pub(crate) fn subscriber(&self) -> Result<SubscriberClient, ConnectError> {
        self.inner.builder.build_subscriber_client().map_err(ConnectError::unreachable)
    }

    /// Sends plain commands as one request.
    pub(crate) async fn commands<T, W, F>(&self, operation: Operation, work: W) -> Result<T, StoreError>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        self.run(operation, work).await.map_err(|failure| failure.during(operation))
    }

    /// Sends one request, unless the breaker is open.
    pub(crate) async fn run<T, W, F>(&self, operation: Operation, work: W) -> Result<T, Failure>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        let Some(admission) = self.inner.breaker.admit() else {
            count(operation, Failure::BreakerOpen.status());
            return Err(Failure::BreakerOpen);
        };
        self.observe(operation, admission, work).await
    }

    /// Sends one request although the breaker may be open. Its result opens or closes the breaker.
    pub(crate) async fn probe<T, W, F>(&self, operation: Operation, work: W) -> Result<T, Failure>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        let admission = self.inner.breaker.admit_probe();
        self.observe(operation, admission, work).await
    }

    async fn observe<T, W, F>(
        &self,
        operation: Operation,
        admission: Admission<'_>,
        work: W,
    ) -> Result<T, Failure>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        let started = Instant::now();
        let client = self.inner.pool.next().clone();
        let answer = match timeout(self.inner.deadline + SLACK, work(client)).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(Failure::Timeout),
        };
        metrics::histogram!("redis_operation_duration_seconds").record(started.elapsed());
        admission.settle(answer.as_ref().is_err_and(Failure::is_outage));
        count(operation, answer.as_ref().map_or_else(Failure::status, |_| "ok"));
        answer
    }
}

fn count(operation: Operation, status: &'static str) {
    metrics::counter!("redis_operations_total", "operation" => operation.name, "status" => status)
        .increment(1);
}

/// Counts the errors of a connection since the last call.
pub(crate) fn count_connection_errors(errors: &mut Receiver<(FredError, Option<Server>)>) {
    let mut count = 0;
    loop {
        count += match errors.try_recv() {
            Ok(_) => 1,
            Err(TryRecvError::Lagged(missed)) => missed,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        };
    }
    metrics::counter!("redis_connection_errors_total").increment(count);
}
