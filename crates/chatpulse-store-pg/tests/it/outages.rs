//! A server that restarts, hangs or is busy while a pool is open.

use std::error::Error;
use std::time::{Duration, Instant};

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{PgConfig, PgPool};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::postgres::{Connected, Database, PostgresServer};

use crate::relay::Relay;
use crate::support::{accounts_on, config, migrated};

/// The deadline of a query, five seconds, and some time for a slow machine.
const DEADLINE: Duration = Duration::from_secs(8);

const LOCK: &str = "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE";

fn why<T: std::fmt::Debug>(answered: Result<T, StoreError>) -> String {
    match answered {
        Err(error @ StoreError::Unavailable { .. }) => error.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

/// In a runtime with one thread nothing runs while the server restarts, so the pool cannot notice: its connections look
/// open and are dead.
#[tokio::test]
async fn reads_survive_a_restart_and_a_write_fails_once() {
    let mut server = PostgresServer::start();
    let database = server.database().await;
    let pool = migrated(&database).await;
    let accounts = accounts_on(&pool);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let several = || async { tokio::join!(pool.check(), pool.check(), pool.check()) };

    for kill in [false, true] {
        several().await.0.unwrap();
        if kill {
            server.kill();
        }
        server.restart();
        let found = accounts.streamers.find_by_overlay(ada.overlay).await;
        assert_eq!(found.unwrap(), Some(ada.clone()), "killed: {kill}");
    }

    server.restart();
    // A write is not repeated: the first may have been done.
    assert!(accounts.streamers.rotate_overlay(ada.id).await.is_err());
    assert!(accounts.streamers.rotate_overlay(ada.id).await.unwrap().is_some());
}

/// When one connection is dead the others are suspected too. Otherwise the second try could take another dead one.
#[tokio::test]
async fn a_read_survives_a_network_that_lost_every_connection() {
    let server = PostgresServer::start();
    let relay = Relay::to(server.port()).await;
    let url = server.url("postgres").replace(&server.port().to_string(), &relay.port.to_string());
    let pool = PgPool::connect(config(&url)).await.unwrap();
    pool.migrate().await.unwrap();
    for _ in 0..2 {
        let (first, second, third) = tokio::join!(pool.check(), pool.check(), pool.check());
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        relay.break_connections();
        pool.check().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_at_once_and_the_pool_recovers() {
    let mut server = PostgresServer::start();
    let database = server.database().await;
    let pool = migrated(&database).await;
    let settings = accounts_on(&pool).settings;
    server.stop();
    let began = Instant::now();
    for _ in 0..3 {
        assert!(matches!(pool.check().await, Err(StoreError::Unavailable { .. })));
    }
    assert!(began.elapsed() < DEADLINE);
    server.restart();
    pool.check().await.unwrap();
    assert_eq!(settings.find(chatpulse_domain::ids::StreamerId::random()).await.unwrap(), None);
}

#[tokio::test]
async fn a_pool_without_a_free_connection_says_so_before_the_deadline() {
    let database = Database::fresh().await;
    migrated(&database).await.close();
    let narrow = PgConfig { max_conns: 1, ..config(&database.url()) };
    let pool = PgPool::connect(narrow).await.unwrap();
    let by_hand = database.connect().await;
    by_hand.batch_execute(LOCK).await.unwrap();
    let began = Instant::now();
    let (stuck, waiting) = tokio::join!(pool.check(), pool.check());
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    assert_eq!(why(waiting), "all connections are busy");
    assert!(why(stuck).contains("57014"), "the server ended the statement first");
    by_hand.batch_execute("ROLLBACK").await.unwrap();
    pool.check().await.unwrap();
}

#[tokio::test]
async fn a_query_without_an_answer_ends_at_its_deadline() {
    let server = PostgresServer::start();
    let relay = Relay::to(server.port()).await;
    let url = server.url("postgres").replace(&server.port().to_string(), &relay.port.to_string());
    let pool = PgPool::connect(config(&url)).await.unwrap();
    pool.migrate().await.unwrap();
    // Migrations have connections of their own; this opens one of the pool.
    pool.check().await.unwrap();
    relay.swallow_everything();
    let began = Instant::now();
    assert_eq!(why(pool.check().await), "no answer in time");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

/// The connection of an abandoned query is closed. Otherwise the next query would wait behind it.
#[tokio::test]
async fn a_query_does_not_wait_behind_an_abandoned_one() {
    let database = Database::fresh().await;
    migrated(&database).await.close();
    let narrow = PgConfig { max_conns: 1, ..config(&database.url()) };
    let pool = PgPool::connect(narrow).await.unwrap();
    let (locking, by_hand) = (database.connect().await, database.connect().await);
    locking.batch_execute(LOCK).await.unwrap();
    tokio::select! {
        _ = pool.check() => panic!("the table is locked"),
        () = until_a_query_waits_for_a_lock(&by_hand) => {}
    }
    let began = Instant::now();
    let grant = accounts_on(&pool).streamers.find_bot_grant(&build::fresh_user()).await;
    assert_eq!(grant.unwrap(), None);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// Do not use the connection that has the lock: inside its transaction the statistics do not change.
async fn until_a_query_waits_for_a_lock(by_hand: &Connected) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let count: i64 = by_hand.query_one(sql, &[]).await.unwrap().get(0);
        if count > 0 {
            return;
        }
    }
}
