//! A share in a big chat.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_store_embedded::MemoryLive;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::contract::share_cost;

use crate::support::memory_live;

/// Two thousand a second, seventy of a hundred for: the shortest window is the least steady one.
#[tokio::test]
async fn seventy_of_a_hundred_settle_at_seventy_and_stay() {
    const PER_SECOND: u64 = 2_000;
    let clock = TestClock::new();
    let live = MemoryLive::new(Arc::new(clock.clone()), None);
    let settings = build::versioned(build::settings_with_share(build::window(5), false), 1);
    let seed = SessionSeed { settings, ..build::seed() };
    live.attach(&seed, &build::instance("a"), 1).await.unwrap();
    let mut random: u64 = 1;
    for half_ms in 0..PER_SECOND * 20 {
        if half_ms % 2 == 0 {
            clock.advance(Duration::from_millis(1));
        }
        // Knuth's generator: the same crowd on every run.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let side = if (random >> 33) % 10 < 7 { Side::For } else { Side::Against };
        live.cast(&build::vote(seed.overlay, side)).await.unwrap();
        if half_ms > PER_SECOND * 2 && half_ms % 100 == 0 {
            let tally = live.read(&[seed.overlay]).await.unwrap()[0].unwrap().tally.unwrap();
            let share = 50.0 + tally.sentiment().value() / 2.0;
            assert!((68.0..=72.0).contains(&share), "{share} after {half_ms} votes");
        }
    }
}

#[tokio::test]
async fn a_vote_among_many_costs_no_more_than_one_among_few() {
    let ratio = share_cost::is_the_same_for_many_votes(&memory_live(None)).await;
    println!("a vote among 100,000 costs {ratio:.2} times one among 100");
}
