//! The promises about the token bucket.

use std::time::Duration;

use chatpulse_domain::token_bucket::BucketLimit;

use chatpulse_domain::vote::{DEBOUNCE, Vote, VoteOutcome};

use chatpulse_domain::side::Side;

use super::{apply, cast, open};
use crate::builders as build;
use crate::contract::Live;

pub(super) async fn hold(make: &impl AsyncFn(Option<BucketLimit>) -> Live) {
    without_a_limit_everybody_passes(make(None).await).await;
    a_burst_passes_then_the_rate(make(BucketLimit::new(2, 60)).await).await;
    a_full_bucket_holds_no_more_than_its_capacity(make(BucketLimit::new(2, 60)).await).await;
    every_session_has_its_own_bucket(make(burst_of(1)).await).await;
    a_limited_message_was_seen(make(BucketLimit::new(1, 60)).await).await;
    a_limited_vote_does_not_debounce(make(BucketLimit::new(1, 60)).await).await;
    a_limited_vote_spends_no_part_of_a_token(make(BucketLimit::new(1, 60)).await).await;
    debounced_and_repeated_votes_spend_no_token(make(burst_of(2)).await).await;
}

/// A bucket of this many tokens that is never refilled.
pub(super) fn burst_of(votes: u32) -> Option<BucketLimit> {
    BucketLimit::new(votes, 0)
}

async fn without_a_limit_everybody_passes(live: Live) {
    let overlay = open(&live).await;
    for _ in 0..150 {
        apply(&live, &build::vote(overlay, Side::For)).await;
    }
}

async fn a_burst_passes_then_the_rate(live: Live) {
    let overlay = open(&live).await;
    let next = || build::vote(overlay, Side::For);
    apply(&live, &next()).await;
    apply(&live, &next()).await;
    live.time.advance(Duration::from_millis(999)).await;
    assert_eq!(cast(&live, &next()).await, VoteOutcome::RateLimited);
    live.time.advance(Duration::from_millis(1)).await;
    apply(&live, &next()).await;
    assert_eq!(cast(&live, &next()).await, VoteOutcome::RateLimited);
}

async fn a_full_bucket_holds_no_more_than_its_capacity(live: Live) {
    let overlay = open(&live).await;
    let next = || build::vote(overlay, Side::For);
    apply(&live, &next()).await;
    live.time.advance(Duration::from_mins(10)).await;
    apply(&live, &next()).await;
    apply(&live, &next()).await;
    assert_eq!(cast(&live, &next()).await, VoteOutcome::RateLimited);
}

async fn every_session_has_its_own_bucket(live: Live) {
    let (here, there) = (open(&live).await, open(&live).await);
    apply(&live, &build::vote(here, Side::For)).await;
    apply(&live, &build::vote(there, Side::For)).await;
    let refused = cast(&live, &build::vote(here, Side::For)).await;
    assert_eq!(refused, VoteOutcome::RateLimited);
}

async fn a_limited_message_was_seen(live: Live) {
    let overlay = open(&live).await;
    let refused = build::vote(overlay, Side::For);
    apply(&live, &build::vote(overlay, Side::For)).await;
    assert_eq!(cast(&live, &refused).await, VoteOutcome::RateLimited);
    live.time.advance(Duration::from_mins(1)).await;
    assert_eq!(cast(&live, &refused).await, VoteOutcome::Duplicate);
}

async fn a_limited_vote_does_not_debounce(live: Live) {
    let overlay = open(&live).await;
    let ada = || Vote { chatter: build::chatter("ada"), ..build::vote(overlay, Side::For) };
    apply(&live, &build::vote(overlay, Side::For)).await;
    live.time.advance(DEBOUNCE / 2).await;
    assert_eq!(cast(&live, &ada()).await, VoteOutcome::RateLimited);
    // Half a second after the refusal the token is back, and nothing else stands in the way.
    live.time.advance(DEBOUNCE / 2).await;
    apply(&live, &ada()).await;
}

async fn a_limited_vote_spends_no_part_of_a_token(live: Live) {
    let overlay = open(&live).await;
    let next = || build::vote(overlay, Side::For);
    apply(&live, &next()).await;
    for _ in 0..9 {
        live.time.advance(Duration::from_millis(100)).await;
        assert_eq!(cast(&live, &next()).await, VoteOutcome::RateLimited);
    }
    // One millisecond more than a token takes: ten refills may round differently from one.
    live.time.advance(Duration::from_millis(101)).await;
    apply(&live, &next()).await;
}

async fn debounced_and_repeated_votes_spend_no_token(live: Live) {
    let overlay = open(&live).await;
    let first = build::vote(overlay, Side::For);
    let too_soon = Vote { chatter: first.chatter.clone(), ..build::vote(overlay, Side::For) };
    apply(&live, &first).await;
    assert_eq!(cast(&live, &too_soon).await, VoteOutcome::Debounced);
    assert_eq!(cast(&live, &first).await, VoteOutcome::Duplicate);
    apply(&live, &build::vote(overlay, Side::For)).await;
    let third = cast(&live, &build::vote(overlay, Side::For)).await;
    assert_eq!(third, VoteOutcome::RateLimited);
}
