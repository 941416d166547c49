//! Signals and leadership within one process.

use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_store_embedded::{LocalSignals, SingleInstance};
use chatpulse_testkit::contract;

#[tokio::test]
async fn signals_keep_the_contract() {
    contract::signals::holds(async || LocalSignals::new()).await;
}

#[tokio::test]
async fn the_only_instance_leads() {
    assert!(SingleInstance.is_leader().await);
}
