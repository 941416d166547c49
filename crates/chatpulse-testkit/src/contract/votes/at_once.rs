//! The promises with many concurrent callers.

use std::sync::Arc;

use chatpulse_domain::token_bucket::BucketLimit;

use chatpulse_domain::side::Side;

use chatpulse_domain::vote::{Vote, VoteOutcome};
use tokio::sync::Barrier;

use super::{limits, open, value};
use crate::builders as build;
use crate::contract::{Live, assert_close};

pub(super) async fn hold(make: &impl AsyncFn(Option<BucketLimit>) -> Live) {
    one_message_delivered_many_times_at_once_counts_once(make(None).await).await;
    one_chatters_many_votes_at_once_count_once(make(None).await).await;
    nine_votes_at_once_add_up(make(None).await).await;
    a_hundred_votes_at_once_are_all_applied(make(None).await).await;
    many_votes_at_once_share_the_tokens_exactly(make(limits::burst_of(10)).await).await;
}

/// Casts each vote from a task of its own; all start together.
async fn cast_at_once(live: &Live, votes: Vec<Vote>) -> Vec<VoteOutcome> {
    let start = Arc::new(Barrier::new(votes.len()));
    let tasks: Vec<_> = votes
        .into_iter()
        .map(|vote| {
            let (store, start) = (Arc::clone(&live.votes), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                store.cast(&vote).await.unwrap()
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

fn applied(outcomes: &[VoteOutcome]) -> usize {
    let is_applied = |outcome: &&VoteOutcome| matches!(outcome, VoteOutcome::Applied(_));
    outcomes.iter().filter(is_applied).count()
}

fn equal_to(outcomes: &[VoteOutcome], expected: VoteOutcome) -> usize {
    outcomes.iter().filter(|outcome| **outcome == expected).count()
}

async fn one_message_delivered_many_times_at_once_counts_once(live: Live) {
    let overlay = open(&live).await;
    let vote = build::vote(overlay, Side::For);
    let outcomes = cast_at_once(&live, vec![vote; 200]).await;
    assert_eq!(applied(&outcomes), 1);
    assert_eq!(equal_to(&outcomes, VoteOutcome::Duplicate), 199);
    assert_close(value(&live, overlay).await, 10.0);
}

async fn one_chatters_many_votes_at_once_count_once(live: Live) {
    let overlay = open(&live).await;
    let from_ada = |_| Vote { chatter: build::chatter("ada"), ..build::vote(overlay, Side::Against) };
    let outcomes = cast_at_once(&live, (0..100).map(from_ada).collect()).await;
    assert_eq!(applied(&outcomes), 1);
    assert_eq!(equal_to(&outcomes, VoteOutcome::Debounced), 99);
    assert_close(value(&live, overlay).await, -10.0);
}

async fn nine_votes_at_once_add_up(live: Live) {
    let overlay = open(&live).await;
    let votes = (0..9).map(|_| build::vote(overlay, Side::For)).collect();
    cast_at_once(&live, votes).await;
    assert_close(value(&live, overlay).await, 90.0);
}

async fn a_hundred_votes_at_once_are_all_applied(live: Live) {
    let overlay = open(&live).await;
    let votes = (0..100).map(|_| build::vote(overlay, Side::For)).collect();
    let outcomes = cast_at_once(&live, votes).await;
    assert_eq!(applied(&outcomes), 100);
    let activity = live.sessions.activity(overlay).await.unwrap().unwrap();
    assert_eq!(activity.votes_last_minute, 100);
    assert_close(value(&live, overlay).await, 100.0);
}

async fn many_votes_at_once_share_the_tokens_exactly(live: Live) {
    let overlay = open(&live).await;
    let votes = (0..100).map(|_| build::vote(overlay, Side::For)).collect();
    let outcomes = cast_at_once(&live, votes).await;
    assert_eq!(applied(&outcomes), 10);
    assert_eq!(equal_to(&outcomes, VoteOutcome::RateLimited), 90);
}
