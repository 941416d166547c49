//! The metrics of queries and connections.

use std::collections::BTreeSet;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::QUERIES;
use chatpulse_testkit::contract;
use chatpulse_testkit::servers::postgres::Database;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::{Databases, migrated};

#[tokio::test]
async fn every_query_is_timed_under_its_name() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let databases = Databases::default();
    contract::streamers::holds(async || databases.accounts().await).await;
    contract::settings::holds(async || databases.accounts().await).await;
    contract::login_claims::holds(async || databases.accounts().await).await;
    contract::login_sessions::holds(async || databases.accounts().await).await;
    contract::subscriptions::holds(async || databases.accounts().await).await;
    contract::tokens::holds(async || databases.accounts().await).await;
    contract::app_token::holds(async || databases.accounts().await).await;
    let database = Database::fresh().await;
    migrated(&database).await.check().await.unwrap();
    let rendered = recorder.handle().render();
    let timed: BTreeSet<&str> = rendered
        .lines()
        .filter_map(|line| line.strip_prefix("db_query_duration_seconds_count{query=\""))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(timed, QUERIES.iter().copied().collect());
}

#[tokio::test]
async fn a_failed_query_is_counted_under_its_name() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let database = Database::fresh().await;
    let pool = migrated(&database).await;
    pool.close();
    assert!(pool.check().await.is_err());
    let rendered = recorder.handle().render();
    assert!(rendered.contains("db_errors_total{query=\"health.check\"} 1"), "{rendered}");
}

#[tokio::test]
async fn connections_are_counted_by_state() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let shown = |state: &str, count: u32| {
        let rendered = recorder.handle().render();
        let line = format!("db_connections_current{{state=\"{state}\"}} {count}\n");
        assert!(rendered.contains(&line), "{line} is not in {rendered}");
    };
    let database = Database::fresh().await;
    let pool = migrated(&database).await;
    let (first, second, third) = tokio::join!(pool.check(), pool.check(), pool.check());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    shown("idle", 3);
    shown("active", 0);
    let locking = database.connect().await;
    locking.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    tokio::select! {
        biased;
        _ = pool.check() => panic!("the table is locked"),
        _ = locking.simple_query("SELECT 1") => {}
    }
    shown("idle", 2);
    shown("active", 1);
    pool.close();
    shown("idle", 0);
    shown("active", 0);
}
