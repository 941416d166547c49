//! The promises about what the dashboard shows of a session.

use std::time::Duration;

use chatpulse_domain::session::{SessionActivity, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{Vote, VoteOutcome};

use super::{attach, release, seed};
use crate::builders as build;
use crate::contract::Live;

pub(super) async fn hold(make: &impl AsyncFn(Option<BucketLimit>) -> Live) {
    a_new_session_has_seen_nothing(make(None).await).await;
    viewers_are_summed_over_instances(make(None).await).await;
    a_session_is_attached_while_any_instance_serves_it(make(None).await).await;
    applied_votes_are_counted_for_a_minute(make(None).await).await;
    votes_spread_over_time_leave_one_by_one(make(None).await).await;
    refused_votes_are_not_counted(make(None).await).await;
    a_synthetic_vote_is_counted(make(None).await).await;
    a_refusal_by_the_bucket_shows_for_a_minute(make(BucketLimit::new(1, 1)).await).await;
}

async fn activity(live: &Live, seed: &SessionSeed) -> SessionActivity {
    live.sessions.activity(seed.overlay).await.unwrap().unwrap()
}

async fn cast(live: &Live, vote: &Vote) -> VoteOutcome {
    live.votes.cast(vote).await.unwrap()
}

async fn a_new_session_has_seen_nothing(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 0).await;
    let nothing = SessionActivity { attached: true, ..SessionActivity::default() };
    assert_eq!(activity(&live, &seed).await, nothing);
}

async fn viewers_are_summed_over_instances(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 2).await;
    attach(&live, &seed, "b", 3).await;
    assert_eq!(activity(&live, &seed).await.viewers, 5);
    attach(&live, &seed, "a", 1).await;
    assert_eq!(activity(&live, &seed).await.viewers, 4, "set anew, not added");
    release(&live, &seed, "b").await;
    assert_eq!(activity(&live, &seed).await.viewers, 1);
    release(&live, &seed, "a").await;
    assert_eq!(activity(&live, &seed).await.viewers, 0);
}

async fn a_session_is_attached_while_any_instance_serves_it(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 0).await;
    attach(&live, &seed, "b", 1).await;
    release(&live, &seed, "b").await;
    assert!(activity(&live, &seed).await.attached, "a preview without viewers");
    release(&live, &seed, "a").await;
    assert!(!activity(&live, &seed).await.attached);
    attach(&live, &seed, "b", 1).await;
    assert!(activity(&live, &seed).await.attached);
}

/// An adapter may count by the second, so the last second of the minute is not checked.
async fn applied_votes_are_counted_for_a_minute(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    cast(&live, &build::vote(seed.overlay, Side::For)).await;
    cast(&live, &build::vote(seed.overlay, Side::Against)).await;
    let first = activity(&live, &seed).await;
    assert_eq!(first.votes_last_minute, 2);
    live.time.advance(Duration::from_secs(58)).await;
    assert_eq!(activity(&live, &seed).await.votes_last_minute, 2);
    live.time.advance(Duration::from_secs(2)).await;
    let later = activity(&live, &seed).await;
    assert_eq!(later.votes_last_minute, 0);
    assert_eq!(later.last_vote_at, first.last_vote_at, "the time of the last vote stays");
}

async fn votes_spread_over_time_leave_one_by_one(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    cast(&live, &build::vote(seed.overlay, Side::For)).await;
    let first = activity(&live, &seed).await.last_vote_at.unwrap();
    live.time.advance(Duration::from_secs(30)).await;
    cast(&live, &build::vote(seed.overlay, Side::For)).await;
    let second = activity(&live, &seed).await.last_vote_at.unwrap();
    assert_eq!(second.since(first), Duration::from_secs(30));
    assert_eq!(activity(&live, &seed).await.votes_last_minute, 2);
    live.time.advance(Duration::from_secs(30)).await;
    assert_eq!(activity(&live, &seed).await.votes_last_minute, 1);
    live.time.advance(Duration::from_hours(1)).await;
    cast(&live, &build::vote(seed.overlay, Side::For)).await;
    assert_eq!(activity(&live, &seed).await.votes_last_minute, 1);
}

async fn refused_votes_are_not_counted(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    let vote = build::vote(seed.overlay, Side::For);
    let too_soon = Vote { chatter: vote.chatter.clone(), ..build::vote(seed.overlay, Side::For) };
    cast(&live, &vote).await;
    let counted = activity(&live, &seed).await;
    live.time.advance(Duration::from_millis(500)).await;
    assert_eq!(cast(&live, &too_soon).await, VoteOutcome::Debounced);
    assert_eq!(cast(&live, &vote).await, VoteOutcome::Duplicate);
    assert_eq!(activity(&live, &seed).await, counted);
}

async fn a_synthetic_vote_is_counted(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    live.votes.push(seed.overlay, Side::For).await.unwrap();
    let activity = activity(&live, &seed).await;
    assert_eq!(activity.votes_last_minute, 1);
    assert!(activity.last_vote_at.is_some());
}

async fn a_refusal_by_the_bucket_shows_for_a_minute(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    cast(&live, &build::vote(seed.overlay, Side::For)).await;
    assert!(!activity(&live, &seed).await.limited);
    let refused = cast(&live, &build::vote(seed.overlay, Side::For)).await;
    assert_eq!(refused, VoteOutcome::RateLimited);
    let limited = activity(&live, &seed).await;
    assert!(limited.limited);
    assert_eq!(limited.votes_last_minute, 1);
    live.time.advance(Duration::from_secs(58)).await;
    assert!(activity(&live, &seed).await.limited);
    live.time.advance(Duration::from_secs(2)).await;
    assert!(!activity(&live, &seed).await.limited);
}
