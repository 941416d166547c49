//! Votes and sessions in memory.

use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::contract;
use chatpulse_testkit::contract::agreement;
use chatpulse_testkit::fakes::FakeLive;
use proptest::prelude::*;

use crate::support::memory_live;

#[tokio::test(flavor = "multi_thread")]
async fn votes_keep_the_contract() {
    contract::votes::holds(async |limit| memory_live(limit)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_keep_the_contract() {
    contract::sessions::holds(async |limit| memory_live(limit)).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn memory_agrees_with_the_fake_on_any_steps(
        steps in agreement::steps(120),
        capacity in 0_u32..6,
        per_minute in 0_u32..200,
    ) {
        let limit = BucketLimit::new(capacity, per_minute);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fake = FakeLive::new(TestClock::new(), limit).into();
        runtime.block_on(agreement::agree(&memory_live(limit), &fake, &steps));
    }
}
