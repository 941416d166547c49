//! The promises of [`VoteStore`](chatpulse_domain::ports::votes::VoteStore).

use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::FORGOTTEN_AFTER;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{DEBOUNCE, SEEN_FOR, Vote, VoteOutcome};

use super::{Live, assert_close};
use crate::builders as build;

mod at_once;
mod limits;
mod share;

/// Checks every promise; `make` returns a fresh adapter with this token bucket.
pub async fn holds(make: impl AsyncFn(Option<BucketLimit>) -> Live) {
    without_a_session_nothing_counts_and_none_appears(make(None).await).await;
    a_vote_without_a_session_is_not_remembered(make(None).await).await;
    each_side_pulls_its_way(make(None).await).await;
    the_value_is_decayed_to_now_before_a_vote_is_added(make(None).await).await;
    a_reading_tells_value_age_and_speed(make(None).await).await;
    the_bar_ends_at_a_hundred_either_way(make(None).await).await;
    after_an_hour_the_bar_is_exactly_centred(make(None).await).await;
    a_repeated_message_counts_once(make(None).await).await;
    a_message_counts_once_although_its_session_ended(make(None).await).await;
    a_message_is_remembered_for_ten_minutes(make(None).await).await;
    a_debounced_message_was_seen(make(None).await).await;
    a_message_without_a_vote_is_new_once(make(None).await).await;
    a_chatter_votes_once_a_second(make(None).await).await;
    the_debounce_is_each_chatters_own_in_each_session(make(None).await).await;
    a_duplicate_does_not_debounce(make(None).await).await;
    a_synthetic_vote_passes_every_limit_and_spends_nothing(make(limits::burst_of(1)).await).await;
    one_sessions_votes_never_reach_another(make(None).await).await;
    a_reset_centres_the_bar(make(None).await).await;
    many_are_read_in_the_order_asked(make(None).await).await;
    limits::hold(&make).await;
    share::holds(&make).await;
    at_once::hold(&make).await;
}

/// Opens a session with default settings and a channel of its own.
async fn open(live: &Live) -> OverlayId {
    open_with_decay(live, 0.5).await
}

async fn open_with_decay(live: &Live, per_second: f64) -> OverlayId {
    let seed = SessionSeed {
        broadcaster: build::fresh_channel(),
        settings: build::versioned(build::settings_with_decay(per_second), 1),
        ..build::seed()
    };
    attach(live, &seed).await;
    seed.overlay
}

async fn attach(live: &Live, seed: &SessionSeed) {
    live.sessions.attach(seed, &build::instance("a"), 1).await.unwrap();
}

async fn cast(live: &Live, vote: &Vote) -> VoteOutcome {
    live.votes.cast(vote).await.unwrap()
}

async fn read(live: &Live, overlay: OverlayId) -> Option<Reading> {
    live.votes.read(&[overlay]).await.unwrap().pop().unwrap()
}

/// The value of the bar now.
async fn value(live: &Live, overlay: OverlayId) -> f64 {
    read(live, overlay).await.unwrap().after(Duration::ZERO).value()
}

/// Casts a vote that must be applied, and returns the value after it.
async fn apply(live: &Live, vote: &Vote) -> f64 {
    match cast(live, vote).await {
        VoteOutcome::Applied(sentiment) => sentiment.value(),
        refused => panic!("{refused:?} instead of applied"),
    }
}

async fn without_a_session_nothing_counts_and_none_appears(live: Live) {
    let overlay = OverlayId::random();
    let outcome = cast(&live, &build::vote(overlay, Side::For)).await;
    assert_eq!(outcome, VoteOutcome::NoSession);
    assert_eq!(live.votes.push(overlay, Side::For).await.unwrap(), None);
    assert!(!live.votes.reset(overlay).await.unwrap());
    assert_eq!(read(&live, overlay).await, None);
    assert_eq!(live.sessions.activity(overlay).await.unwrap(), None);
}

async fn a_vote_without_a_session_is_not_remembered(live: Live) {
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    let early = build::vote(seed.overlay, Side::For);
    assert_eq!(cast(&live, &early).await, VoteOutcome::NoSession);
    attach(&live, &seed).await;
    assert_close(apply(&live, &early).await, 10.0);
}

async fn a_message_without_a_vote_is_new_once(live: Live) {
    let overlay = open(&live).await;
    let vote = build::vote(overlay, Side::For);
    assert!(live.votes.note_seen(overlay, &vote.message).await.unwrap());
    assert!(!live.votes.note_seen(overlay, &vote.message).await.unwrap());
    assert!(live.votes.note_seen(open(&live).await, &vote.message).await.unwrap(), "elsewhere it is new");
    assert_eq!(cast(&live, &vote).await, VoteOutcome::Duplicate);
    live.time.advance(SEEN_FOR).await;
    assert!(live.votes.note_seen(overlay, &vote.message).await.unwrap());
}

async fn each_side_pulls_its_way(live: Live) {
    let overlay = open(&live).await;
    assert_close(apply(&live, &build::vote(overlay, Side::For)).await, 10.0);
    assert_close(apply(&live, &build::vote(overlay, Side::Against)).await, 0.0);
    assert_close(apply(&live, &build::vote(overlay, Side::Against)).await, -10.0);
    assert_close(value(&live, overlay).await, -10.0);
}

async fn the_value_is_decayed_to_now_before_a_vote_is_added(live: Live) {
    let overlay = open_with_decay(&live, 0.5).await;
    apply(&live, &build::vote(overlay, Side::For)).await;
    live.time.advance(Duration::from_secs(2)).await;
    let after = apply(&live, &build::vote(overlay, Side::For)).await;
    assert_close(after, 10.0 * (-1.0_f64).exp() + 10.0);
    assert_close(value(&live, overlay).await, after);
}

async fn a_reading_tells_value_age_and_speed(live: Live) {
    let overlay = open_with_decay(&live, 0.25).await;
    apply(&live, &build::vote(overlay, Side::Against)).await;
    live.time.advance(Duration::from_secs(3)).await;
    let reading = read(&live, overlay).await.unwrap();
    assert_close(reading.sentiment.value(), -10.0);
    assert_eq!(reading.age, Duration::from_secs(3));
    assert_close(reading.decay.per_second(), 0.25);
}

async fn the_bar_ends_at_a_hundred_either_way(live: Live) {
    for (side, end) in [(Side::For, 100.0), (Side::Against, -100.0)] {
        let overlay = open(&live).await;
        for _ in 0..12 {
            apply(&live, &build::vote(overlay, side)).await;
        }
        assert_close(value(&live, overlay).await, end);
    }
}

async fn after_an_hour_the_bar_is_exactly_centred(live: Live) {
    let overlay = open_with_decay(&live, 0.1).await;
    apply(&live, &build::vote(overlay, Side::For)).await;
    live.time.advance(FORGOTTEN_AFTER).await;
    assert!(value(&live, overlay).await.abs() < f64::MIN_POSITIVE);
    assert_close(apply(&live, &build::vote(overlay, Side::Against)).await, -10.0);
}

async fn a_repeated_message_counts_once(live: Live) {
    let overlay = open(&live).await;
    let vote = build::vote(overlay, Side::For);
    apply(&live, &vote).await;
    live.time.advance(DEBOUNCE).await;
    assert_eq!(cast(&live, &vote).await, VoteOutcome::Duplicate);
    let by_another = Vote { chatter: build::chatter("another"), ..vote };
    assert_eq!(cast(&live, &by_another).await, VoteOutcome::Duplicate);
    assert_close(value(&live, overlay).await, 10.0 * (-0.5_f64).exp());
}

async fn a_message_counts_once_although_its_session_ended(live: Live) {
    let seed = SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() };
    attach(&live, &seed).await;
    let vote = build::vote(seed.overlay, Side::For);
    apply(&live, &vote).await;
    live.sessions.delete(seed.overlay).await.unwrap();
    live.time.advance(DEBOUNCE).await;
    attach(&live, &seed).await;
    assert_eq!(cast(&live, &vote).await, VoteOutcome::Duplicate);
    assert_close(value(&live, seed.overlay).await, 0.0);
}

async fn a_message_is_remembered_for_ten_minutes(live: Live) {
    let overlay = open(&live).await;
    let early = build::vote(overlay, Side::For);
    let late = build::vote(overlay, Side::For);
    apply(&live, &early).await;
    apply(&live, &late).await;
    let a_moment = Duration::from_millis(1);
    live.time.advance(SEEN_FOR.checked_sub(a_moment).unwrap()).await;
    assert_eq!(cast(&live, &early).await, VoteOutcome::Duplicate);
    live.time.advance(a_moment).await;
    apply(&live, &late).await;
}

async fn a_debounced_message_was_seen(live: Live) {
    let overlay = open(&live).await;
    let first = build::vote(overlay, Side::For);
    let second = Vote { chatter: first.chatter.clone(), ..build::vote(overlay, Side::For) };
    apply(&live, &first).await;
    assert_eq!(cast(&live, &second).await, VoteOutcome::Debounced);
    live.time.advance(DEBOUNCE * 2).await;
    assert_eq!(cast(&live, &second).await, VoteOutcome::Duplicate);
}

async fn a_chatter_votes_once_a_second(live: Live) {
    let overlay = open_with_decay(&live, 0.1).await;
    let again = || Vote { chatter: build::chatter("ada"), ..build::vote(overlay, Side::For) };
    apply(&live, &again()).await;
    live.time.advance(Duration::from_millis(999)).await;
    assert_eq!(cast(&live, &again()).await, VoteOutcome::Debounced);
    assert_close(value(&live, overlay).await, 10.0 * (-0.0999_f64).exp());
    // The refused vote did not start the second anew: exactly one second after the applied one, the next counts.
    live.time.advance(Duration::from_millis(1)).await;
    apply(&live, &again()).await;
    assert_eq!(cast(&live, &again()).await, VoteOutcome::Debounced);
}

async fn the_debounce_is_each_chatters_own_in_each_session(live: Live) {
    let (here, there) = (open(&live).await, open(&live).await);
    let ada = |overlay| Vote { chatter: build::chatter("ada"), ..build::vote(overlay, Side::For) };
    apply(&live, &ada(here)).await;
    apply(&live, &ada(there)).await;
    apply(&live, &build::vote(here, Side::For)).await;
    assert_eq!(cast(&live, &ada(here)).await, VoteOutcome::Debounced);
}

async fn a_duplicate_does_not_debounce(live: Live) {
    let overlay = open(&live).await;
    let first = build::vote(overlay, Side::For);
    let copied = Vote { chatter: build::chatter("bob"), ..first.clone() };
    let own = Vote { chatter: build::chatter("bob"), ..build::vote(overlay, Side::For) };
    apply(&live, &first).await;
    assert_eq!(cast(&live, &copied).await, VoteOutcome::Duplicate);
    apply(&live, &own).await;
}

/// With a bucket of one token that is never refilled.
async fn a_synthetic_vote_passes_every_limit_and_spends_nothing(live: Live) {
    let overlay = open(&live).await;
    for expected in [10.0, 20.0, 30.0] {
        let pushed = live.votes.push(overlay, Side::For).await.unwrap();
        assert_close(pushed.unwrap().value(), expected);
    }
    apply(&live, &build::vote(overlay, Side::For)).await;
    let refused = cast(&live, &build::vote(overlay, Side::For)).await;
    assert_eq!(refused, VoteOutcome::RateLimited);
    let pushed = live.votes.push(overlay, Side::Against).await.unwrap();
    assert_close(pushed.unwrap().value(), 30.0);
}

async fn one_sessions_votes_never_reach_another(live: Live) {
    let (here, there) = (open(&live).await, open(&live).await);
    apply(&live, &build::vote(here, Side::For)).await;
    live.votes.push(here, Side::For).await.unwrap();
    assert_close(value(&live, there).await, 0.0);
    apply(&live, &build::vote(there, Side::Against)).await;
    live.votes.reset(there).await.unwrap();
    assert_close(value(&live, here).await, 20.0);
}

async fn a_reset_centres_the_bar(live: Live) {
    let overlay = open(&live).await;
    apply(&live, &build::vote(overlay, Side::For)).await;
    assert!(live.votes.reset(overlay).await.unwrap());
    assert_close(value(&live, overlay).await, 0.0);
    assert_close(apply(&live, &build::vote(overlay, Side::Against)).await, -10.0);
}

async fn many_are_read_in_the_order_asked(live: Live) {
    let (first, second, nobody) = (open(&live).await, open(&live).await, OverlayId::random());
    apply(&live, &build::vote(first, Side::For)).await;
    apply(&live, &build::vote(second, Side::Against)).await;
    let asked = [second, nobody, first, second];
    let readings = live.votes.read(&asked).await.unwrap();
    let values: Vec<_> = readings.iter().map(|r| r.map(|r| r.sentiment.value())).collect();
    assert_eq!(values, [Some(-10.0), None, Some(10.0), Some(-10.0)]);
    assert!(live.votes.read(&[]).await.unwrap().is_empty());
}
