//! Calls functions of the library, and loads it where it is missing or older, never over a newer version.
//!
//! A Redis that restarted without its data has lost the library. A call that fails with "function not found" loads it
//! and calls once more.

use std::sync::Arc;

use chatpulse_domain::ports::error::StoreError;
use fred::error::Error as FredError;
use fred::interfaces::{ClientLike, ClusterInterface, FunctionInterface};
use fred::types::Value;
use fred::types::config::{Options, Server};
use tokio::time::sleep_until;

use crate::call::{Call, Reply};
use crate::config::RedisConfig;
use crate::connection::Redis;
use crate::error::{ConnectError, Failure};
use crate::keys;
use crate::library::Library;
use crate::operation::{LOAD, Operation, PROBE};
use crate::store_clock::Expiry;

/// Calls in one pipeline: about two milliseconds of Redis' time.
const PIPELINE_MAX: usize = 500;

/// How often loading is tried while other instances load too.
const LOAD_TRIES: u32 = 3;

impl Redis {
    /// Connects and loads the functions. Tries once.
    pub async fn connect(config: &RedisConfig) -> Result<Self, ConnectError> {
        Self::connect_with(config, Library::embedded()).await
    }

    /// Connects with another library than the one in this program; for tests of several versions and of time.
    pub async fn connect_with(config: &RedisConfig, library: Library) -> Result<Self, ConnectError> {
        let redis = Self::open(config, library).await?;
        let ready = async {
            redis.load_functions().await?;
            redis.sample_clocks().await
        };
        if let Err(failure) = ready.await {
            redis.abort().await;
            return Err(ConnectError::Functions(failure.into()));
        }
        Ok(redis)
    }

    /// Calls a function.
    pub(crate) async fn call(&self, operation: Operation, call: Call) -> Result<Reply, StoreError> {
        let reply = self.call_until_done(operation, &Arc::new(call)).await;
        reply.map_err(|failure| failure.during(operation))
    }

    /// Calls again where the first call certainly did nothing: the function was missing, or the deadline was wrong.
    async fn call_until_done(&self, operation: Operation, call: &Arc<Call>) -> Result<Reply, Failure> {
        let mut answer = self.call_once(operation, call).await;
        if answer.as_ref().is_err_and(Failure::is_function_missing) {
            self.load_functions().await?;
            answer = self.call_once(operation, call).await;
        }
        if matches!(answer, Err(Failure::Late { clock_was_wrong: true })) {
            answer = self.call_once(operation, call).await;
        }
        answer
    }

    async fn call_once(&self, operation: Operation, call: &Arc<Call>) -> Result<Reply, Failure> {
        let expiry = self.expiry_of(call).await?;
        let name = self.library().name_of(call.function);
        let (sent, args) = (Arc::clone(call), expiry.clone());
        let answer =
            self.run(operation, |client| async move { sent.send(&client, &name, args.as_ref()).await }).await;
        let Some(expiry) = expiry else { return answer.and_then(Reply::new) };
        if let Err(Failure::Unreachable(_)) = &answer {
            // The server may have it already. It is reported as failed once it can no longer happen.
            sleep_until(self.clock().expired_at(&expiry)).await;
        }
        let reply = answer.and_then(Reply::new)?;
        if reply.word() != "late" {
            return Ok(reply);
        }
        let unix_ms = reply.number(1, "the server's time")?;
        Err(Failure::Late { clock_was_wrong: self.clock().correct(&expiry, unix_ms) })
    }

    /// The deadline of a call that expires.
    async fn expiry_of(&self, call: &Call) -> Result<Option<Expiry>, Failure> {
        let Some(key) = call.expiring_key() else {
            return Ok(None);
        };
        if let Some(expiry) = self.clock().expiry(key) {
            return Ok(Some(expiry));
        }
        self.sample_clocks().await?;
        // Still none: no node has this key's slot.
        self.clock().expiry(key).map(Some).ok_or(Failure::Late { clock_was_wrong: false })
    }

    /// Calls many functions in pipelines. A call that fails does not fail the others, but an outage fails all.
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
                let _: Value = call.send(&pipeline, &library.name_of(call.function), None).await?;
            }
            let answers: Vec<Result<Value, FredError>> = pipeline.try_all().await;
            let is_outage = |error: &&FredError| Failure::from((*error).clone()).is_outage();
            match answers.iter().filter_map(|answer| answer.as_ref().err()).find(is_outage) {
                Some(error) => Err(error.clone()),
                // The client returns one error for the whole pipeline.
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

    /// Loads the library on every node that has none or an older one.
    pub(crate) async fn load_functions(&self) -> Result<(), Failure> {
        let client = self.clients().first().cloned();
        let nodes = client.and_then(|client| client.cached_cluster_state());
        match nodes.map(|nodes| nodes.unique_primary_nodes()) {
            None => self.load_at(None).await,
            // A node that is out of reach does not keep the others from getting the library.
            Some(nodes) => {
                let mut outcome = Ok(());
                for node in nodes {
                    outcome = self.load_at(Some(node)).await.and(outcome);
                }
                outcome
            }
        }
    }

    /// Another instance may load at the same time, so the loaded version is read again after each refusal.
    async fn load_at(&self, node: Option<Server>) -> Result<(), Failure> {
        let ours = self.library().version();
        let mut outcome = Ok(());
        for _ in 0..LOAD_TRIES {
            let loaded = self.version_at(node.clone()).await?;
            if loaded.is_some_and(|loaded| loaded >= ours) {
                return Ok(());
            }
            // Where nothing is loaded, load without REPLACE: of two instances the older must not replace the newer.
            outcome = self.load_once(node.clone(), loaded.is_some()).await;
            match &outcome {
                Ok(()) => {
                    tracing::info!(version = ours, "loaded the functions into Redis");
                    // A server without functions may have lost all other data too.
                    self.suspect_state_loss();
                }
                Err(failure) if failure.is_library_present() => {
                    // A library of this name without a version is not one that any instance can use.
                    if self.version_at(node.clone()).await?.is_none() {
                        outcome = self.load_once(node.clone(), true).await;
                    }
                }
                Err(_) => return outcome,
            }
        }
        // Each load succeeded and was replaced: by now a newer version is loaded, or ours.
        outcome
    }

    /// The version that a node has loaded; `None` without a library.
    async fn version_at(&self, node: Option<Server>) -> Result<Option<u64>, Failure> {
        let name = self.library().name_of("version");
        let version = self.probe(LOAD, |client| async move {
            let at_node = client.with_options(&options_for(node));
            at_node.fcall_ro::<u64, _, _, _>(name, Vec::<String>::new(), Vec::<String>::new()).await
        });
        none_if_missing(version.await)
    }

    /// Checks that every node answers and accepts writes. Returns the oldest loaded version; `None` where a node has no
    /// library, or one that is too old to have the function.
    pub(crate) async fn probe_writable(&self) -> Result<Option<u64>, Failure> {
        let client = self.clients().first().cloned();
        let routing = client.and_then(|client| client.cached_cluster_state());
        let mut oldest = Some(u64::MAX);
        for key in keys::probes(routing.as_ref()) {
            let name = self.library().name_of("probe");
            let version = self.probe(PROBE, |client| async move {
                client.fcall::<u64, _, _, _>(name, vec![key], Vec::<String>::new()).await
            });
            oldest = oldest.min(none_if_missing(version.await)?);
        }
        Ok(oldest)
    }

    async fn load_once(&self, node: Option<Server>, replace: bool) -> Result<(), Failure> {
        let code = self.library().code().to_owned();
        self.probe(LOAD, |client| async move {
            let at_node = client.with_options(&options_for(node));
            at_node.function_load::<Value, _>(replace, code).await.map(|_| ())
        })
        .await
    }
}

fn none_if_missing(version: Result<u64, Failure>) -> Result<Option<u64>, Failure> {
    match version {
        Ok(version) => Ok(Some(version)),
        Err(failure) if failure.is_function_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn options_for(node: Option<Server>) -> Options {
    Options { cluster_node: node, ..Options::default() }
}
