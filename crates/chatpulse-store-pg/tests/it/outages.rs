//! A server that restarts, hangs or is busy, under an open pool.

use std::error::Error;
use std::time::{Duration, Instant};

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{PgConfig, PgPool};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::postgres::{Connected, Database, PostgresServer};

use crate::relay::Relay;
use crate::support::{accounts_on, config, migrated};

/// A call's deadline of five seconds, and some time for a slow machine.
const DEADLINE: Duration = Duration::from_secs(8);

const LOCK: &str = "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE";

fn why<T: std::fmt::Debug>(answered: Result<T, StoreError>) -> String {
    match answered {
        Err(error @ StoreError::Unavailable { .. }) => error.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

/// On one thread nothing runs while the server restarts, so the pool cannot have noticed: all its connections look
/// alive and are dead.
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
    // Nobody knows whether a write was done, so it is not repeated.
    assert!(accounts.streamers.rotate_overlay(ada.id).await.is_err());
    assert!(accounts.streamers.rotate_overlay(ada.id).await.unwrap().is_some());
}

/// One dead connection is a hint that its neighbours are dead too: of three, a second try may not take the second.
#[tokio::test]
async fn a_read_survives_a_network_that_forgot_every_connection() {
    let server = PostgresServer::start();
    let relay = Relay::to(server.port()).await;
    let url = server.url("postgres").replace(&server.port().to_string(), &relay.port.to_string());
    let pool = PgPool::connect(config(&url)).await.unwrap();
    pool.migrate().await.unwrap();
    for _ in 0..2 {
        let (first, second, third) = tokio::join!(pool.check(), pool.check(), pool.check());
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        relay.forget();
        pool.check().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_at_once_and_back_by_itself() {
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
async fn a_pool_whose_connections_are_all_busy_says_so_in_time() {
    let database = Database::fresh().await;
    migrated(&database).await.close();
    let narrow = PgConfig { max_conns: 1, ..config(&database.url()) };
    let pool = PgPool::connect(narrow).await.unwrap();
    let by_hand = database.connect().await;
    by_hand.batch_execute(LOCK).await.unwrap();
    let began = Instant::now();
    let (stuck, waiting) = tokio::join!(pool.check(), pool.check());
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    assert_eq!(why(waiting), "every connection is busy");
    assert!(why(stuck).contains("57014"), "the server gave up first");
    by_hand.batch_execute("ROLLBACK").await.unwrap();
    pool.check().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let database = Database::fresh().await;
    migrated(&database).await.close();
    let mut patient_server = config(&database.url());
    patient_server.connection.options("-c statement_timeout=0");
    let pool = PgPool::connect(patient_server).await.unwrap();
    let by_hand = database.connect().await;
    by_hand.batch_execute(LOCK).await.unwrap();
    let began = Instant::now();
    assert_eq!(why(pool.check().await), "no answer in time");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

/// Its connection is closed, or whoever comes next would get it and wait behind the unanswered question.
#[tokio::test]
async fn nobody_waits_behind_a_caller_who_left() {
    let database = Database::fresh().await;
    migrated(&database).await.close();
    let narrow = PgConfig { max_conns: 1, ..config(&database.url()) };
    let pool = PgPool::connect(narrow).await.unwrap();
    let (locking, by_hand) = (database.connect().await, database.connect().await);
    locking.batch_execute(LOCK).await.unwrap();
    tokio::select! {
        _ = pool.check() => panic!("the table is locked"),
        () = somebody_waits_for_a_lock(&by_hand) => {}
    }
    let began = Instant::now();
    let grant = accounts_on(&pool).streamers.find_bot_grant(&build::fresh_user()).await;
    assert_eq!(grant.unwrap(), None);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// Not asked on the connection that holds the lock: inside a transaction these numbers stand still.
async fn somebody_waits_for_a_lock(by_hand: &Connected) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let count: i64 = by_hand.query_one(sql, &[]).await.unwrap().get(0);
        if count > 0 {
            return;
        }
    }
}
