//! The metrics of queries.

use std::collections::BTreeSet;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_embedded::{QUERIES, SqliteFile};
use chatpulse_testkit::contract;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::fresh_accounts;

#[tokio::test]
async fn every_query_is_timed_under_its_name() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    contract::streamers::holds(fresh_accounts).await;
    contract::settings::holds(fresh_accounts).await;
    contract::login_claims::holds(fresh_accounts).await;
    contract::login_sessions::holds(fresh_accounts).await;
    contract::subscriptions::holds(fresh_accounts).await;
    contract::tokens::holds(fresh_accounts).await;
    contract::app_token::holds(fresh_accounts).await;
    SqliteFile::in_memory().await.unwrap().check().await.unwrap();
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
    let file = SqliteFile::in_memory().await.unwrap();
    file.close().await;
    assert!(file.check().await.is_err());
    let rendered = recorder.handle().render();
    assert!(rendered.contains("db_errors_total{query=\"health.check\"} 1"), "{rendered}");
}
