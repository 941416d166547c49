//! Votes and sessions in memory.

use chatpulse_testkit::contract;

use crate::support::memory_live;

#[tokio::test(flavor = "multi_thread")]
async fn votes_keep_the_contract() {
    contract::votes::holds(async |limit| memory_live(limit)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_keep_the_contract() {
    contract::sessions::holds(async |limit| memory_live(limit)).await;
}
