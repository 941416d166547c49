//! The connection that everything goes through. Read [`Redis::run`]: one request passes the breaker, gets its
//! deadline, is counted and timed, and its failure gets its kind. There is no other way to Redis.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::secret::Secret;
use fred::clients::{Client, Pool, SubscriberClient};
use fred::error::Error as FredError;
use fred::interfaces::{ClientLike, EventInterface, FunctionInterface};
use fred::types::Value;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, Server, TcpConfig, TlsConfig, TlsConnector,
    TlsHostMapping, UnresponsiveConfig,
};
use fred::types::{Builder, RespVersion};
use rustls::ClientConfig;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::breaker::{Admission, Breaker};
use crate::error::{ConnectError, Failure};
use crate::functions::{Call, Library, Reply};
use crate::operation::Operation;

/// Requests waiting in each connection: with answers in a millisecond and 10,000 votes a second about ten wait; at
/// this many Redis is stuck, and the next ones fail at once instead of filling memory.
const WAITING_MAX: usize = 10_000;

/// Messages of a subscription that may wait for us: a second of 20 signals for each of 200 changing sessions.
const MESSAGES_MAX: usize = 4_096;

/// Requests in one pipeline: about two milliseconds of Redis' time.
const PIPELINE_MAX: usize = 500;

/// What the client's own deadline may be late by, before ours ends the wait.
const SLACK: Duration = Duration::from_millis(50);

/// Where Redis is, and how long we wait for it.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://`, `rediss://`, `redis-cluster://` or `rediss-cluster://`; may hold a password.
    pub url: Secret,
    /// Needed for `rediss`: the roots that its certificate is checked against.
    pub tls: Option<Arc<ClientConfig>>,
    /// For one request. Votes wait for it, so it stays at half a second or less.
    pub deadline: Duration,
    /// For a first or a new connection.
    pub connect_timeout: Duration,
    /// Connections for requests; the subscription has one of its own.
    pub connections: usize,
}

impl RedisConfig {
    /// With the deadlines of the product.
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            tls: None,
            deadline: Duration::from_millis(400),
            connect_timeout: Duration::from_secs(2),
            connections: 2,
        }
    }
}

/// A connected Redis or Redis Cluster. Clones are one.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    builder: Builder,
    library: Library,
    breaker: Breaker,
    /// What the last probe found.
    reachable: watch::Sender<bool>,
    deadline: Duration,
    connect_timeout: Duration,
}

impl Redis {
    /// Connects and loads the functions. One try: whoever wants more tries again.
    pub async fn connect(config: &RedisConfig) -> Result<Self, ConnectError> {
        Self::connect_with(config, Library::embedded()).await
    }

    /// With another library than the one in this program; for tests of several versions and of time.
    pub async fn connect_with(config: &RedisConfig, library: Library) -> Result<Self, ConnectError> {
        let builder = builder(config)?;
        let pool = builder.build_pool(config.connections.max(1)).map_err(ConnectError::unreachable)?;
        let connected = timeout(config.connect_timeout + SLACK, pool.init()).await;
        match connected {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(give_up(&pool, ConnectError::unreachable(error)).await),
            Err(late) => return Err(give_up(&pool, ConnectError::unreachable(late)).await),
        }
        let inner = Inner {
            pool,
            builder,
            library,
            breaker: Breaker::new(),
            reachable: watch::Sender::new(true),
            deadline: config.deadline,
            connect_timeout: config.connect_timeout,
        };
        let redis = Self { inner: Arc::new(inner) };
        if let Err(failure) = redis.load_functions().await {
            return Err(give_up(&redis.inner.pool, ConnectError::Functions(failure.into())).await);
        }
        Ok(redis)
    }

    /// Ends all connections.
    pub async fn close(&self) {
        let _ = timeout(self.inner.connect_timeout, self.inner.pool.quit()).await;
    }

    /// Whether the last probe was answered; changes when that changes.
    pub fn reachable(&self) -> watch::Receiver<bool> {
        self.inner.reachable.subscribe()
    }

    pub(crate) fn note_reachable(&self, is_reachable: bool) {
        self.inner.reachable.send_if_modified(|was| std::mem::replace(was, is_reachable) != is_reachable);
    }

    pub(crate) fn library(&self) -> &Library {
        &self.inner.library
    }

    pub(crate) fn clients(&self) -> &[Client] {
        self.inner.pool.clients()
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.inner.connect_timeout
    }

    /// Hears of every connection that was lost and made again. A restart may be over between two probes, so that
    /// this is all that tells of it. One client hears of it as well as all of them.
    pub(crate) fn reconnections(&self) -> Receiver<Server> {
        self.inner.pool.next().reconnect_rx()
    }

    /// A connection of its own that listens.
    pub(crate) fn subscriber(&self) -> Result<SubscriberClient, ConnectError> {
        self.inner.builder.build_subscriber_client().map_err(ConnectError::unreachable)
    }

    /// Calls a function.
    pub(crate) async fn call(&self, operation: Operation, call: Call) -> Result<Reply, StoreError> {
        let call = Arc::new(call);
        let send = || {
            let call = Arc::clone(&call);
            let name = self.library().name_of(call.function);
            self.run(operation, |client| async move { call.send(&client, &name).await })
        };
        let mut answer = send().await;
        if answer.as_ref().is_err_and(Failure::is_function_missing) {
            self.load_functions().await.map_err(|failure| failure.during(operation))?;
            answer = send().await;
        }
        answer.and_then(Reply::new).map_err(|failure| failure.during(operation))
    }

    /// Calls many functions in pipelines. One that fails alone fails alone; if Redis is out of reach, all do.
    pub(crate) async fn call_all(
        &self,
        operation: Operation,
        calls: Vec<Call>,
    ) -> Result<Vec<Result<Reply, StoreError>>, StoreError> {
        let calls: Vec<Arc<Call>> = calls.into_iter().map(Arc::new).collect();
        let mut replies = Vec::with_capacity(calls.len());
        for calls in calls.chunks(PIPELINE_MAX) {
            let mut answers = self.pipeline(operation, calls).await;
            let is_missing = |answer: &Result<Value, FredError>| matches!(answer, Err(e) if Failure::from(e.clone()).is_function_missing());
            if answers.as_ref().is_ok_and(|answers| answers.iter().any(is_missing)) {
                self.load_functions().await.map_err(|failure| failure.during(operation))?;
                answers = self.pipeline(operation, calls).await;
            }
            for answer in answers.map_err(|failure| failure.during(operation))? {
                let reply = answer.map_err(Failure::from).and_then(Reply::new);
                replies.push(reply.map_err(|failure| failure.during(operation)));
            }
        }
        Ok(replies)
    }

    async fn pipeline(
        &self,
        operation: Operation,
        calls: &[Arc<Call>],
    ) -> Result<Vec<Result<Value, FredError>>, Failure> {
        let calls = calls.to_vec();
        let library = self.library().clone();
        self.run(operation, |client| async move {
            let pipeline = client.pipeline();
            for call in &calls {
                // Returns once it is queued.
                let _: Value = call.send(&pipeline, &library.name_of(call.function)).await?;
            }
            let answers: Vec<Result<Value, FredError>> = pipeline.try_all().await;
            let is_outage = |error: &&FredError| Failure::from((*error).clone()).is_outage();
            match answers.iter().filter_map(|answer| answer.as_ref().err()).find(is_outage) {
                Some(error) => Err(error.clone()),
                // One error for all of them.
                None if answers.len() != calls.len() => {
                    Err(answers.into_iter().find_map(Result::err).unwrap_or_else(|| {
                        FredError::new(fred::error::ErrorKind::Protocol, "answers are missing")
                    }))
                }
                None => Ok(answers),
            }
        })
        .await
    }

    /// Plain commands, as one request.
    pub(crate) async fn commands<T, W, F>(&self, operation: Operation, work: W) -> Result<T, StoreError>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        self.run(operation, work).await.map_err(|failure| failure.during(operation))
    }

    /// The only way to Redis.
    pub(crate) async fn run<T, W, F>(&self, operation: Operation, work: W) -> Result<T, Failure>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        let Some(admission) = self.inner.breaker.admit() else {
            count(operation, Failure::BreakerOpen.status());
            return Err(Failure::BreakerOpen);
        };
        self.observe(operation, admission, self.inner.deadline, work).await
    }

    /// For probes: past the breaker, and deciding for it.
    pub(crate) async fn probe<T, W, F>(&self, operation: Operation, work: W) -> Result<T, Failure>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        let admission = self.inner.breaker.admit_probe();
        self.observe(operation, admission, self.inner.deadline, work).await
    }

    async fn observe<T, W, F>(
        &self,
        operation: Operation,
        admission: Admission<'_>,
        deadline: Duration,
        work: W,
    ) -> Result<T, Failure>
    where
        W: FnOnce(Client) -> F,
        F: Future<Output = Result<T, FredError>>,
    {
        let started = Instant::now();
        let client = self.inner.pool.next().clone();
        let answer = match timeout(deadline + SLACK, work(client)).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(Failure::TooLate),
        };
        metrics::histogram!("redis_operation_duration_seconds").record(started.elapsed());
        admission.settle(answer.as_ref().is_err_and(Failure::is_outage));
        count(operation, answer.as_ref().map_or_else(Failure::status, |_| "ok"));
        answer
    }
}

impl Call {
    async fn send<C>(&self, client: &C, name: &str) -> Result<Value, FredError>
    where
        C: FunctionInterface + Sync,
    {
        let (keys, args) = (self.keys.clone(), self.args.clone());
        if self.reads {
            client.fcall_ro(name.to_owned(), keys, args).await
        } else {
            client.fcall(name.to_owned(), keys, args).await
        }
    }
}

fn count(operation: Operation, status: &'static str) {
    metrics::counter!("redis_operations_total", "operation" => operation.name, "status" => status)
        .increment(1);
}

/// Leaves nothing behind that goes on trying.
async fn give_up(pool: &Pool, error: ConnectError) -> ConnectError {
    let _ = timeout(Duration::from_millis(200), pool.quit()).await;
    error
}

impl ConnectError {
    pub(crate) fn unreachable<E: Into<chatpulse_domain::ports::error::BoxError>>(source: E) -> Self {
        Self::Unreachable(source.into())
    }
}

fn builder(config: &RedisConfig) -> Result<Builder, ConnectError> {
    let mut builder = Builder::from_config(client_config(config)?);
    builder
        .set_policy(reconnect_policy())
        .set_performance_config(PerformanceConfig {
            default_command_timeout: config.deadline,
            broadcast_channel_capacity: MESSAGES_MAX,
            ..PerformanceConfig::default()
        })
        .set_connection_config(ConnectionConfig {
            connection_timeout: config.connect_timeout,
            internal_command_timeout: config.connect_timeout,
            // A vote that was sent is not sent again: it may have counted.
            max_command_attempts: 1,
            max_command_buffer_len: WAITING_MAX,
            unresponsive: UnresponsiveConfig {
                max_timeout: Some(Duration::from_secs(3)),
                interval: Duration::from_secs(1),
            },
            tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
            ..ConnectionConfig::default()
        });
    Ok(builder)
}

/// Quick at first, since a restarted Redis is back in a moment; then once a second, for ever.
fn reconnect_policy() -> ReconnectPolicy {
    let mut policy = ReconnectPolicy::new_exponential(0, 50, 1_000, 2);
    policy.set_jitter(50);
    policy
}

fn client_config(config: &RedisConfig) -> Result<Config, ConnectError> {
    let url = config.url.expose();
    let (scheme, rest) = url.split_once("://").ok_or_else(|| ConnectError::Url("it has no scheme".into()))?;
    let (scheme, wants_tls) = match scheme {
        "redis" | "redis-cluster" => (scheme, false),
        "rediss" => ("redis", true),
        "rediss-cluster" => ("redis-cluster", true),
        _ => return Err(ConnectError::Url("it begins with neither redis:// nor rediss://".into())),
    };
    // The client's words on what is wrong may repeat the password: they are left out.
    let mut client = Config::from_url(&format!("{scheme}://{rest}"))
        .map_err(|_| ConnectError::Url("host, port or database are malformed".into()))?;
    client.version = RespVersion::RESP3;
    // `connect` says what is wrong instead of trying for ever.
    client.fail_fast = true;
    if wants_tls {
        let roots = config.tls.as_ref().ok_or(ConnectError::NoTls)?;
        let connector = TlsConnector::from(ClientConfig::clone(roots));
        client.tls = Some(TlsConfig { connector, hostnames: TlsHostMapping::None });
    }
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<Config, ConnectError> {
        client_config(&RedisConfig::new(Secret::new(url)))
    }

    #[test]
    fn four_schemes_are_known() {
        assert!(!parsed("redis://localhost").unwrap().server.is_clustered());
        assert!(parsed("redis-cluster://localhost:7000?node=localhost:7001").unwrap().server.is_clustered());
        for tls in ["rediss://localhost", "rediss-cluster://localhost:7000"] {
            assert!(matches!(parsed(tls), Err(ConnectError::NoTls)));
        }
        for other in ["http://localhost", "localhost", "redis-sentinel://localhost"] {
            assert!(matches!(parsed(other), Err(ConnectError::Url(_))), "{other}");
        }
    }

    #[test]
    fn user_password_and_database_are_taken_from_the_url() {
        let config = parsed("redis://ann:p%40ss@localhost:6380/3").unwrap();
        assert_eq!((config.username.as_deref(), config.password.as_deref()), (Some("ann"), Some("p@ss")));
        assert_eq!(config.database, Some(3));
    }

    #[test]
    fn an_error_repeats_no_password() {
        let error = parsed("redis://:hush@local host:no/x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}
