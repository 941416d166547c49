//! The SQLite file: a handle that is cheap to clone, and one thread that owns the connection.
//!
//! Open it with [`SqliteFile::open`]. Every query goes through [`SqliteFile::call`], which sets its deadline and records
//! its metrics.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use metrics::{counter, histogram};
use rusqlite::Connection;

use crate::error::{Failure, OpenError, WriteError};
use crate::operation::{self, Operation};
use crate::query;
use worker::Worker;

mod opening;
mod schema;
mod trial;
mod worker;

/// Deadline of a query, including its time in the queue. A commit takes milliseconds on a healthy disk.
const DEADLINE: Duration = Duration::from_secs(5);

const CHECK_HEALTH: &str = include_str!("../queries/health/check.sql");

/// An open database. Clones share it; [`SqliteFile::close`] closes it for all of them.
#[derive(Clone)]
pub struct SqliteFile {
    worker: Arc<Worker>,
}

/// A database that was opened only for a check.
pub struct FileToCheck {
    /// For reading; every write through it fails.
    pub file: SqliteFile,
    /// Number of migrations that the server will apply at its next start. Until then some queries may fail.
    pub migrations_pending: usize,
}

impl SqliteFile {
    /// Opens the file for this process alone, and migrates it. Creates file and folder, for the owner only, if they do
    /// not exist.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let (worker, _) = Worker::start(path.into(), opening::to_serve).await?;
        Ok(Self { worker })
    }

    /// Opens a database in memory.
    pub async fn in_memory() -> Result<Self, OpenError> {
        let (worker, _) = Worker::start(PathBuf::from(":memory:"), opening::in_memory).await?;
        Ok(Self { worker })
    }

    /// Opens the file for reading; a server may use it meanwhile. Creates and migrates nothing.
    pub async fn open_for_check(path: impl Into<PathBuf>) -> Result<FileToCheck, OpenError> {
        let (worker, migrations_pending) = Worker::start(path.into(), opening::to_check).await?;
        Ok(FileToCheck { file: Self { worker }, migrations_pending })
    }

    /// Tries whether the file can be written and can grow; a server may use it meanwhile. Changes nothing.
    pub async fn try_write(path: impl Into<PathBuf>) -> Result<(), WriteError> {
        let path = path.into();
        let place = path.clone();
        let trial = tokio::task::spawn_blocking(move || trial::write(&path));
        trial.await.unwrap_or_else(|error| Err(WriteError::Refused { path: place, source: error.into() }))
    }

    /// Migrates the file and closes it. A server of this version may use the file meanwhile, and several processes may
    /// call it at once.
    pub async fn migrate(path: impl AsRef<Path>) -> Result<(), OpenError> {
        let path = path.as_ref();
        let began = Instant::now();
        loop {
            match Self::open(path).await {
                Ok(file) => {
                    file.close().await;
                    return Ok(());
                }
                Err(in_use @ OpenError::InUse { .. }) => {
                    if Self::is_up_to_date(path).await {
                        return Ok(());
                    }
                    if began.elapsed() > DEADLINE {
                        return Err(in_use);
                    }
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn is_up_to_date(path: &Path) -> bool {
        let Ok(check) = Self::open_for_check(path).await else {
            return false;
        };
        check.file.close().await;
        check.migrations_pending == 0
    }

    /// Finishes the queries in the queue, closes the file and waits until its thread ends. Later queries fail with
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.worker.stop(DEADLINE).await;
    }

    /// Runs `work` on the connection, after the queries before it in the queue.
    pub(crate) async fn call<T, F>(&self, operation: Operation, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    {
        let began = Instant::now();
        let answer = tokio::time::timeout(DEADLINE, self.worker.ask(work)).await;
        histogram!("db_query_duration_seconds", "query" => operation.name).record(began.elapsed());
        answer.unwrap_or(Err(Failure::Unanswered("no answer in time"))).map_err(|failure| {
            counter!("db_errors_total", "query" => operation.name).increment(1);
            failure.during(operation.does)
        })
    }
}

#[async_trait]
impl HealthCheck for SqliteFile {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn check(&self) -> Result<(), StoreError> {
        let read = |connection: &mut Connection| query::find(connection, CHECK_HEALTH, [], |_| Ok(()));
        self.call(operation::CHECK_HEALTH, read).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;

    use super::*;

    const ANY: Operation = Operation { name: "test", does: "run the test's query" };

    async fn insert(file: &SqliteFile, bot: &'static str) -> Result<usize, StoreError> {
        file.call(ANY, move |connection| {
            let sql = "INSERT INTO bot_grants (bot, display_name, granted_at_ms) VALUES (?1, 'Robo', 0)";
            query::execute(connection, sql, [bot])
        })
        .await
    }

    async fn bots(file: &SqliteFile) -> Vec<String> {
        file.call(ANY, |connection| {
            query::all(connection, "SELECT bot FROM bot_grants", [], |row| Ok(row.get(0)?))
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_query_that_panics_is_unavailable_and_the_next_one_works() {
        let file = SqliteFile::in_memory().await.unwrap();
        let panicked: Result<(), _> = file
            .call(ANY, |connection| {
                connection.execute_batch(
                    "BEGIN; INSERT INTO bot_grants (bot, display_name, granted_at_ms) VALUES ('half', 'Robo', 0)",
                )?;
                panic!("on purpose");
            })
            .await;
        assert!(matches!(panicked, Err(StoreError::Unavailable { .. })));
        insert(&file, "whole").await.unwrap();
        assert_eq!(bots(&file).await, ["whole"], "the open transaction was rolled back");
        file.check().await.unwrap();
    }

    #[tokio::test]
    async fn closing_finishes_earlier_queries_and_refuses_later_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatpulse.db");
        let file = SqliteFile::open(&path).await.unwrap();
        let before = tokio::join!(insert(&file, "before"), file.close()).0;
        assert_eq!(before.unwrap(), 1);
        let after = insert(&file, "after").await;
        assert!(matches!(after, Err(StoreError::Unavailable { .. })));
        assert!(file.check().await.is_err());
        file.close().await;
        let again = SqliteFile::open(&path).await.unwrap();
        assert_eq!(bots(&again).await, ["before"]);
    }

    #[tokio::test]
    async fn an_abandoned_query_in_the_queue_is_not_run() {
        let file = SqliteFile::in_memory().await.unwrap();
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let busy = file.call(ANY, move |_| {
            gate.recv().ok();
            Ok(())
        });
        let (mut busy, mut left) = (Box::pin(busy), Box::pin(insert(&file, "left")));
        tokio::select! {
            biased;
            _ = &mut busy => panic!("the gate is closed"),
            _ = &mut left => panic!("the other query is still running"),
            () = async {} => {}
        }
        drop(left);
        release.send(()).unwrap();
        busy.await.unwrap();
        assert!(bots(&file).await.is_empty());
    }

    #[tokio::test]
    async fn a_malformed_value_is_corrupt_and_names_its_place() {
        let file = SqliteFile::in_memory().await.unwrap();
        let corrupt: Result<(), _> =
            file.call(ANY, |_| Err(Failure::corrupt("settings.left_label")("empty"))).await;
        let place = match corrupt {
            Err(StoreError::Corrupt { place, .. }) => place,
            other => panic!("{other:?}"),
        };
        assert_eq!(place, "settings.left_label");
    }

    #[tokio::test]
    async fn writes_are_durable_and_foreign_keys_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteFile::open(folder.path().join("chatpulse.db")).await.unwrap();
        let pragma = |name: &'static str| {
            file.call(ANY, move |connection| {
                Ok(connection.pragma_query_value(None, name, |row| row.get::<_, Value>(0))?)
            })
        };
        assert_eq!(pragma("journal_mode").await.unwrap(), Value::Text("wal".into()));
        assert_eq!(pragma("synchronous").await.unwrap(), Value::Integer(2), "full");
        assert_eq!(pragma("foreign_keys").await.unwrap(), Value::Integer(1));
    }
}
