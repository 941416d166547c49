//! The function library: loaded where it is missing or older, never over a newer one.
//!
//! A Redis that restarted without its data has lost it: whoever meets "function not found" loads it and asks again.

use std::fmt::Display;
use std::sync::Arc;

use fred::clients::Client;
use fred::error::Error as FredError;
use fred::interfaces::{ClientLike, ClusterInterface, FunctionInterface};
use fred::types::Value;
use fred::types::config::{Options, Server};

use crate::connection::Redis;
use crate::error::Failure;
use crate::keys;
use crate::operation::{LOAD, PROBE};

const SOURCE: &str = include_str!("../../../lua/chatpulse.lua");

/// What all functions' names begin with, and the library's own name.
const NAME: &str = "chatpulse";

/// Tries to load while others do the same.
const TRIES: u32 = 3;

/// A library and the version it says it has.
#[derive(Debug, Clone)]
pub struct Library {
    inner: Arc<Source>,
}

#[derive(Debug)]
struct Source {
    code: String,
    name: String,
    version: u64,
}

impl Library {
    /// The one in this program.
    pub fn embedded() -> Self {
        Self::from_source(SOURCE, NAME)
    }

    /// Another one, whose functions begin with `name`; for tests.
    pub fn from_source(code: &str, name: &str) -> Self {
        let version = version_in(code).unwrap_or(0);
        Self { inner: Arc::new(Source { code: code.to_owned(), name: name.to_owned(), version }) }
    }

    /// Its text.
    pub fn code(&self) -> &str {
        &self.inner.code
    }

    /// Which version it is.
    pub fn version(&self) -> u64 {
        self.inner.version
    }

    pub(crate) fn name_of(&self, function: &str) -> String {
        format!("{}_{function}", self.inner.name)
    }
}

/// The number in `local VERSION = 1`.
fn version_in(code: &str) -> Option<u64> {
    let line = code.lines().find_map(|line| line.strip_prefix("local VERSION = "))?;
    line.trim().parse().ok()
}

/// One call of a function.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static str,
    /// It writes nothing, and the server holds it to that.
    pub(crate) reads: bool,
    pub(crate) keys: Vec<String>,
    pub(crate) args: Vec<String>,
}

impl Call {
    pub(crate) fn reading(function: &'static str) -> Self {
        Self { function, reads: true, keys: Vec::new(), args: Vec::new() }
    }

    pub(crate) fn writing(function: &'static str) -> Self {
        Self { reads: false, ..Self::reading(function) }
    }

    /// In the order of the library's table.
    #[must_use]
    pub(crate) fn keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keys = keys.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn args<const N: usize>(mut self, args: [String; N]) -> Self {
        self.args.extend(args);
        self
    }

    /// The next argument, in the order of the library's table.
    #[must_use]
    pub(crate) fn arg(mut self, arg: impl Display) -> Self {
        self.args.push(arg.to_string());
        self
    }
}

/// What a function answered: a word, then what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply(Vec<String>);

impl Reply {
    pub(crate) fn new(value: Value) -> Result<Self, Failure> {
        let texts: Vec<String> = value.convert().map_err(Failure::Refused)?;
        if texts.first().is_some_and(|word| word == "corrupt") {
            return Err(Failure::Odd { place: place(texts.get(1).map_or("", String::as_str)) });
        }
        Ok(Self(texts))
    }

    pub(crate) fn word(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    pub(crate) fn text(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }

    /// The number at `index`; `place` says where an odd one comes from.
    pub(crate) fn number<T: std::str::FromStr>(
        &self,
        index: usize,
        place: &'static str,
    ) -> Result<T, Failure> {
        self.text(index).parse().map_err(|_| Failure::Odd { place })
    }

    /// Everything, for answers that are lists.
    pub(crate) fn texts(&self) -> &[String] {
        &self.0
    }
}

/// Where an odd value is, from the name of its field.
fn place(field: &str) -> &'static str {
    match field {
        "value" => "session.value",
        "last_update" => "session.last_update",
        "decay_speed" => "session.decay_speed",
        "config_version" => "session.config_version",
        "last_disconnect" => "session.last_disconnect",
        _ => "session",
    }
}

impl Redis {
    /// Makes sure that every node has this library or a newer one.
    pub(crate) async fn load_functions(&self) -> Result<(), Failure> {
        let client = self.clients().first().cloned();
        let nodes = client.and_then(|client| client.cached_cluster_state());
        match nodes.map(|nodes| nodes.unique_primary_nodes()) {
            None => self.load_at(None).await,
            // One that is out of reach must not keep the others from getting theirs.
            Some(nodes) => {
                let mut outcome = Ok(());
                for node in nodes {
                    outcome = self.load_at(Some(node)).await.and(outcome);
                }
                outcome
            }
        }
    }

    /// Somebody else may load at the same time, so what is there is looked at again after each refusal.
    async fn load_at(&self, node: Option<Server>) -> Result<(), Failure> {
        let ours = self.library().version();
        let mut outcome = Ok(());
        for _ in 0..TRIES {
            let there = self.version_at(node.clone()).await?;
            if there.is_some_and(|there| there >= ours) {
                return Ok(());
            }
            // Without REPLACE first: between two that both found nothing, the older must not be the last.
            outcome = self.load_once(node.clone(), there.is_some()).await;
            match &outcome {
                Ok(()) => {
                    tracing::info!(version = ours, "the functions were loaded into Redis");
                    // With them it may have lost everything else.
                    self.doubt();
                }
                Err(failure) if failure.is_library_present() => {
                    // Of this name, and without a version: not one that any of us can use.
                    if self.version_at(node.clone()).await?.is_none() {
                        outcome = self.load_once(node.clone(), true).await;
                    }
                }
                Err(_) => return outcome,
            }
        }
        // Loaded and, each time, overtaken: then a newer one is there, or ours.
        outcome
    }

    /// The version that a node has; `None` if it has no such library.
    async fn version_at(&self, node: Option<Server>) -> Result<Option<u64>, Failure> {
        let name = self.library().name_of("version");
        let asked = self.probe(LOAD, |client| async move {
            let at_node = client.with_options(&at(node));
            at_node.fcall_ro::<u64, _, _, _>(name, Vec::<String>::new(), Vec::<String>::new()).await
        });
        unless_missing(asked.await)
    }

    /// A sign of life that only a server which takes writes can give, and the version that it has; `None` if it has
    /// no such library, or one that is too old to know the question.
    pub(crate) async fn sign_of_life(&self) -> Result<Option<u64>, Failure> {
        let name = self.library().name_of("probe");
        let asked = self.probe(PROBE, |client| async move {
            client.fcall::<u64, _, _, _>(name, vec![keys::PROBE], Vec::<String>::new()).await
        });
        unless_missing(asked.await)
    }

    async fn load_once(&self, node: Option<Server>, replace: bool) -> Result<(), Failure> {
        let code = self.library().code().to_owned();
        self.probe(LOAD, |client| async move { load(&client, node, replace, code).await }).await
    }
}

fn unless_missing(asked: Result<u64, Failure>) -> Result<Option<u64>, Failure> {
    match asked {
        Ok(version) => Ok(Some(version)),
        Err(failure) if failure.is_function_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn load(client: &Client, node: Option<Server>, replace: bool, code: String) -> Result<(), FredError> {
    let at_node = client.with_options(&at(node));
    at_node.function_load::<Value, _>(replace, code).await.map(|_| ())
}

fn at(node: Option<Server>) -> Options {
    Options { cluster_node: node, ..Options::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_library_says_its_version() {
        assert!(Library::embedded().version() >= 1);
    }

    #[test]
    fn a_corrupt_answer_names_the_field() {
        let value = Value::Array(vec!["corrupt".into(), "value".into()]);
        assert!(matches!(Reply::new(value), Err(Failure::Odd { place: "session.value" })));
    }
}
