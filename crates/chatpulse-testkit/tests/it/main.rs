//! The fakes keep the contracts that the real adapters keep.

use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::contract;
use chatpulse_testkit::fakes::{FakeAccounts, FakeLive, FakeSignals};

#[tokio::test(flavor = "multi_thread")]
async fn live_votes_keep_the_contract() {
    contract::votes::holds(async |limit| FakeLive::new(TestClock::new(), limit).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_sessions_keep_the_contract() {
    contract::sessions::holds(async |limit| FakeLive::new(TestClock::new(), limit).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_keep_the_contracts() {
    contract::streamers::holds(async || FakeAccounts::new().into()).await;
    contract::settings::holds(async || FakeAccounts::new().into()).await;
    contract::login_sessions::holds(async || FakeAccounts::new().into()).await;
    contract::subscriptions::holds(async || FakeAccounts::new().into()).await;
    contract::tokens::holds(async || FakeAccounts::new().into()).await;
    contract::app_token::holds(async || FakeAccounts::new().into()).await;
}

#[tokio::test]
async fn signals_keep_the_contract() {
    contract::signals::holds(async || FakeSignals::new()).await;
}
