//! What a check tries: rights and room to write, and the time.

use std::time::{Duration, SystemTime};

use chatpulse_domain::time::Timestamp;
use chatpulse_store_pg::{PgPool, WriteError};
use chatpulse_testkit::servers::postgres::Database;

use crate::support::{config, migrated};

async fn opened(url: &str) -> PgPool {
    PgPool::connect(config(url)).await.unwrap()
}

#[tokio::test]
async fn a_trial_writes_and_leaves_nothing_behind() {
    let database = Database::fresh().await;
    migrated(&database).await;
    let pool = opened(&database.url()).await;
    for _ in 0..3 {
        pool.try_write().await.unwrap();
    }
    let left = database.connect().await.query("SELECT bot FROM bot_grants", &[]).await.unwrap();
    assert!(left.is_empty());
    let ours = Timestamp::from(SystemTime::now());
    let theirs = pool.server_time().await.unwrap();
    assert!(ours.since(theirs).max(theirs.since(ours)) < Duration::from_secs(5));
}

#[tokio::test]
async fn a_table_that_this_user_may_not_write_is_named() {
    let database = Database::fresh().await;
    migrated(&database).await;
    let by_hand = database.connect().await;
    let role = format!("reader_{}", std::process::id());
    let rights = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'of-a-test'; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         REVOKE DELETE ON login_sessions FROM {role}"
    );
    by_hand.batch_execute(&rights).await.unwrap();
    let url = database.url().replace("chatpulse:of-a-test", &format!("{role}:of-a-test"));
    let refused = opened(&url).await.try_write().await;
    by_hand.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    let Err(WriteError::MissingRights(tables)) = refused else { panic!("{refused:?}") };
    assert_eq!(tables, "login_sessions");
}

#[tokio::test]
async fn a_database_that_only_reads_is_said() {
    let database = Database::fresh().await;
    migrated(&database).await;
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    let only_read = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on");
    database.connect().await.batch_execute(&only_read).await.unwrap();
    for tried in
        [opened(&database.url()).await.try_write().await, opened(&database.url()).await.try_migrate().await]
    {
        assert!(matches!(&tried, Err(WriteError::ReadOnly(said)) if said.contains("read-only")), "{tried:?}");
    }
}

#[tokio::test]
async fn missing_migrations_need_the_right_to_create() {
    let database = Database::fresh().await;
    opened(&database.url()).await.try_migrate().await.unwrap();
    let left = "SELECT FROM pg_class WHERE relname = 'chatpulse_check_trial'";
    assert!(database.connect().await.query(left, &[]).await.unwrap().is_empty());
}
