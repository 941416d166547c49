//! The maintenance of idle connections.

use std::time::Duration;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{PgConfig, PgPool};
use chatpulse_testkit::servers::postgres::{Connected, Database};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{config, migrated};

/// Waits until the pool has this many connections, and returns the ids of their server processes.
async fn settled(by_hand: &Connected, count: usize) -> Vec<i32> {
    let sql = "SELECT pid FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'maintained' ORDER BY pid";
    let asking = async {
        loop {
            let rows = by_hand.query(sql, &[]).await.unwrap();
            if rows.len() == count {
                return rows.iter().map(|row| row.get(0)).collect();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap_or_else(|_| panic!("never {count}"))
}

#[tokio::test]
async fn maintenance_keeps_the_minimum_open_and_closes_connections_that_were_idle_for_long() {
    let database = Database::fresh().await;
    migrated(&database).await.close();
    let by_hand = database.connect().await;
    let mut connection = config(&database.url()).connection;
    connection.application_name("maintained");
    let pool = PgPool::connect(PgConfig {
        connection,
        min_conns: 3,
        max_conns: 8,
        max_conn_idle_time: Duration::from_millis(20),
        health_check_period: Duration::from_millis(10),
        ..config(&database.url())
    })
    .await
    .unwrap();
    settled(&by_hand, 1).await;
    let stop = CancellationToken::new();
    let maintenance = tokio::spawn(pool.clone().maintain(stop.clone()));
    settled(&by_hand, 3).await;

    // Seven concurrent callers that wait for one lock need seven connections.
    let locking = database.connect().await;
    locking.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut callers: JoinSet<_> = (0..7)
        .map(|_| {
            let pool = pool.clone();
            async move { pool.check().await }
        })
        .collect();
    settled(&by_hand, 7).await;
    locking.batch_execute("ROLLBACK").await.unwrap();
    while let Some(answered) = callers.join_next().await {
        answered.unwrap().unwrap();
    }
    let before = settled(&by_hand, 3).await;
    for _ in 0..100 {
        assert_eq!(settled(&by_hand, 3).await, before, "the minimum stays open while idle");
    }

    // The server closes them. Maintenance opens others although no query needs one.
    let terminate = "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid";
    by_hand.execute(terminate, &[&before]).await.unwrap();
    let replaced = async { while settled(&by_hand, 3).await.iter().any(|pid| before.contains(pid)) {} };
    tokio::time::timeout(Duration::from_secs(20), replaced).await.unwrap();

    stop.cancel();
    maintenance.await.unwrap();
    pool.close();
    settled(&by_hand, 0).await;
}
