//! Behind PgBouncer in transaction mode: it refuses options of a connection, knows no named statements of its clients, and
//! gives a connection to somebody else after each transaction.

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::PgPool;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract;
use chatpulse_testkit::servers::postgres::{Database, PgBouncer, PostgresServer};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::support::{accounts_on, config};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Every column of the first row, read without a statement's name.
async fn ask(client: &Client, sql: &str) -> String {
    let answers = client.simple_query(sql).await.unwrap();
    let rows = answers.iter().filter_map(|answer| match answer {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect::<Vec<_>>().join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_contract_holds_behind_a_pooler() {
    let server = PostgresServer::start();
    let pooler = PgBouncer::start(&server);
    let databases: Mutex<Vec<Database>> = Mutex::default();
    let accounts = async || {
        let database = server.database().await;
        let pool = PgPool::connect(config(&pooler.url(&database))).await.unwrap();
        pool.migrate().await.unwrap();
        databases.lock().await.push(database);
        accounts_on(&pool)
    };
    contract::streamers::holds(accounts).await;
    contract::settings::holds(accounts).await;
    contract::login_sessions::holds(accounts).await;
    contract::subscriptions::holds(accounts).await;
    contract::tokens::holds(accounts).await;
    contract::app_token::holds(accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_migrate_at_once_and_leave_nothing_on_the_connections() {
    let server = PostgresServer::start();
    let pooler = PgBouncer::start(&server);
    let database = server.database().await;
    let url = pooler.url(&database);
    let migrate = async || PgPool::connect(config(&url)).await.unwrap().migrate().await.unwrap();
    let (one, other) = tokio::join!(migrate(), migrate());
    assert_eq!(one.min(other), 0, "one applies all, the other waits");
    assert!(one.max(other) > 0);

    let pool = PgPool::connect(config(&url)).await.unwrap();
    let checks: Vec<_> = (0..20).map(|_| pool.check()).collect();
    futures_util::future::try_join_all(checks).await.unwrap();
    let (first, second) = (connect(&url).await, connect(&url).await);
    // Both at once, so that each has one of the two connections.
    first.batch_execute("BEGIN").await.unwrap();
    second.batch_execute("BEGIN").await.unwrap();
    for client in [&first, &second] {
        for (setting, default) in
            [("statement_timeout", "0"), ("lock_timeout", "0"), ("default_transaction_read_only", "off")]
        {
            assert_eq!(ask(client, &format!("SHOW {setting}")).await, default, "{setting}");
        }
        assert_eq!(ask(client, "SELECT count(*) FROM pg_prepared_statements").await, "0");
    }
    assert_eq!(ask(&first, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_reads_and_writes_nothing_behind_a_pooler() {
    let server = PostgresServer::start();
    let pooler = PgBouncer::start(&server);
    let database = server.database().await;
    let url = pooler.url(&database);
    let pool = PgPool::connect(config(&url)).await.unwrap();
    pool.migrate().await.unwrap();
    let ada = accounts_on(&pool).streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let check = PgPool::open_for_check(config(&url)).await.unwrap();
    assert_eq!(check.migrations_pending, 0);
    let seen = accounts_on(&check.pool);
    assert!(seen.streamers.rotate_overlay(ada.id).await.is_err());
    assert_eq!(seen.streamers.first().await.unwrap(), Some(ada.clone()));
    assert!(accounts_on(&pool).streamers.rotate_overlay(ada.id).await.unwrap().is_some());
}
