//! The fakes keep the contracts of the stores behind them, and fail while a test says so.

use std::time::Duration;

use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::settings::SettingsRepository as _;
use chatpulse_domain::ports::streamers::StreamerRepository as _;
use chatpulse_domain::ports::votes::VoteStore as _;
use chatpulse_domain::side::Side;
use chatpulse_testkit::builders as build;
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
    contract::login_claims::holds(async || FakeAccounts::new().into()).await;
    contract::login_sessions::holds(async || FakeAccounts::new().into()).await;
    contract::subscriptions::holds(async || FakeAccounts::new().into()).await;
    contract::tokens::holds(async || FakeAccounts::new().into()).await;
    contract::app_token::holds(async || FakeAccounts::new().into()).await;
}

#[tokio::test]
async fn signals_keep_the_contract() {
    contract::signals::holds(async || FakeSignals::new()).await;
}

fn is_unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { .. }))
}

#[tokio::test]
async fn live_state_fails_during_an_outage_and_is_kept() {
    let (live, seed) = (FakeLive::new(TestClock::new(), None), build::seed());
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    live.break_down();
    assert!(is_unavailable(&live.push(seed.overlay, Side::For).await));
    assert!(is_unavailable(&live.find(&seed.broadcaster).await));
    live.recover();
    assert!(live.push(seed.overlay, Side::For).await.unwrap().is_some());
    live.forget_everything();
    assert_eq!(live.find(&seed.broadcaster).await.unwrap(), None);
}

#[tokio::test]
async fn accounts_fail_during_an_outage_and_are_kept() {
    let accounts = FakeAccounts::new();
    let ada = accounts.streamers.sign_in(&build::profile("ada"), &build::sealed()).await.unwrap();
    accounts.break_down();
    assert!(is_unavailable(&accounts.streamers.find(ada.id).await));
    assert!(is_unavailable(&accounts.settings.find(ada.id).await));
    accounts.recover();
    assert_eq!(accounts.streamers.find(ada.id).await.unwrap(), Some(ada));
}

/// A paused clock jumps to the next timer when its runtime waits; many calls in one task use up Tokio's budget.
#[tokio::test(start_paused = true)]
async fn accounts_answer_without_moving_a_paused_clock() {
    let (accounts, start) = (FakeAccounts::new(), tokio::time::Instant::now());
    let a_timer = tokio::spawn(tokio::time::sleep(Duration::from_millis(1)));
    for _ in 0..300 {
        assert_eq!(accounts.streamers.find(StreamerId::random()).await.unwrap(), None);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    a_timer.await.unwrap();
}
