//! The promises about share mode: the window, one vote per viewer, and a tally until reset.

use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::session::{COUNTS_ON_FOR, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::tally::{TallyReading, UNTIL_RESET_TTL};
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{DEBOUNCE, Vote};
use chatpulse_domain::window::Window;

use super::limits::burst_of;
use super::{apply, attach, cast, read};
use crate::builders as build;
use crate::contract::{Live, assert_close};

pub(super) async fn holds(make: &impl AsyncFn(Option<BucketLimit>) -> Live) {
    a_share_says_how_many_voted_each_way(make(None).await).await;
    votes_leave_with_their_window(make(None).await).await;
    no_bucket_limits_a_share(make(burst_of(1)).await).await;
    where_each_counts_once_the_latest_vote_counts(make(None).await).await;
    where_each_counts_as_often_as_they_type_all_votes_count(make(None).await).await;
    a_vote_that_left_the_window_is_not_taken_back(make(None).await).await;
    a_reset_forgets_all_of_it(make(None).await).await;
    a_share_until_reset_outlives_its_session_by_a_day(make(None).await).await;
    a_replaced_address_takes_its_share_along(make(None).await).await;
    another_window_begins_anew(make(None).await).await;
    momentum_begins_at_the_centre_after_a_share(make(None).await).await;
}

async fn open_with(live: &Live, settings: OverlaySettings) -> SessionSeed {
    let settings = build::versioned(settings, 1);
    let seed = SessionSeed { broadcaster: build::fresh_channel(), settings, ..build::seed() };
    attach(live, &seed).await;
    seed
}

async fn open(live: &Live, window: Window, one_vote_each: bool) -> OverlayId {
    open_with(live, build::settings_with_share(window, one_vote_each)).await.overlay
}

async fn tallied(live: &Live, overlay: OverlayId) -> (u64, u64) {
    let TallyReading { in_favor, against } = read(live, overlay).await.unwrap().tally.unwrap();
    (in_favor, against)
}

fn vote_of(overlay: OverlayId, chatter: &str, side: Side) -> Vote {
    Vote { chatter: build::chatter(chatter), ..build::vote(overlay, side) }
}

async fn a_share_says_how_many_voted_each_way(live: Live) {
    let overlay = open(&live, build::window(30), false).await;
    assert_eq!(tallied(&live, overlay).await, (0, 0));
    for side in [Side::For, Side::For, Side::For] {
        apply(&live, &build::vote(overlay, side)).await;
    }
    assert_close(apply(&live, &build::vote(overlay, Side::Against)).await, 50.0);
    assert_close(live.votes.push(overlay, Side::Against).await.unwrap().unwrap().value(), 20.0);
    assert_eq!(tallied(&live, overlay).await, (3, 2));
    let reading = read(&live, overlay).await.unwrap();
    assert_close(reading.sentiment.value(), 20.0);
    assert_close(reading.after(Duration::from_mins(1)).value(), 20.0);
    let activity = live.sessions.activity(overlay).await.unwrap().unwrap();
    assert_eq!(activity.votes_last_minute, 5);
}

async fn votes_leave_with_their_window(live: Live) {
    let overlay = open(&live, build::window(60), false).await;
    apply(&live, &build::vote(overlay, Side::For)).await;
    live.time.advance(Duration::from_secs(30)).await;
    apply(&live, &build::vote(overlay, Side::Against)).await;
    live.time.advance(Duration::from_secs(29)).await;
    assert_eq!(tallied(&live, overlay).await, (1, 1));
    live.time.advance(Duration::from_secs(1)).await;
    assert_eq!(tallied(&live, overlay).await, (0, 1));
    live.time.advance(Duration::from_hours(1)).await;
    assert_eq!(tallied(&live, overlay).await, (0, 0));
    assert_close(apply(&live, &build::vote(overlay, Side::For)).await, 100.0);
}

async fn no_bucket_limits_a_share(live: Live) {
    let overlay = open(&live, build::window(120), false).await;
    for _ in 0..150 {
        apply(&live, &build::vote(overlay, Side::For)).await;
    }
    assert_eq!(tallied(&live, overlay).await, (150, 0));
    assert!(!live.sessions.activity(overlay).await.unwrap().unwrap().limited);
}

async fn where_each_counts_once_the_latest_vote_counts(live: Live) {
    for window in [build::window(30), Window::UntilReset] {
        let overlay = open(&live, window, true).await;
        apply(&live, &vote_of(overlay, "ann", Side::For)).await;
        apply(&live, &vote_of(overlay, "bob", Side::For)).await;
        live.time.advance(DEBOUNCE).await;
        assert_close(apply(&live, &vote_of(overlay, "ann", Side::For)).await, 100.0);
        assert_eq!(tallied(&live, overlay).await, (2, 0));
        live.time.advance(DEBOUNCE).await;
        assert_close(apply(&live, &vote_of(overlay, "ann", Side::Against)).await, 0.0);
        assert_eq!(tallied(&live, overlay).await, (1, 1));
    }
}

async fn where_each_counts_as_often_as_they_type_all_votes_count(live: Live) {
    let overlay = open(&live, build::window(30), false).await;
    for _ in 0..3 {
        apply(&live, &vote_of(overlay, "ann", Side::For)).await;
        live.time.advance(DEBOUNCE).await;
    }
    assert_eq!(tallied(&live, overlay).await, (3, 0));
}

async fn a_vote_that_left_the_window_is_not_taken_back(live: Live) {
    let overlay = open(&live, build::window(5), true).await;
    apply(&live, &vote_of(overlay, "ann", Side::For)).await;
    live.time.advance(Duration::from_secs(5)).await;
    apply(&live, &vote_of(overlay, "bob", Side::For)).await;
    apply(&live, &vote_of(overlay, "ann", Side::Against)).await;
    assert_eq!(tallied(&live, overlay).await, (1, 1));
}

async fn a_reset_forgets_all_of_it(live: Live) {
    let overlay = open(&live, Window::UntilReset, true).await;
    apply(&live, &vote_of(overlay, "ann", Side::For)).await;
    apply(&live, &vote_of(overlay, "bob", Side::For)).await;
    assert!(live.votes.reset(overlay).await.unwrap());
    assert_eq!(tallied(&live, overlay).await, (0, 0));
    live.time.advance(DEBOUNCE).await;
    apply(&live, &vote_of(overlay, "bob", Side::For)).await;
    assert_eq!(tallied(&live, overlay).await, (1, 0), "nobody's vote of before is taken back");
}

async fn a_share_until_reset_outlives_its_session_by_a_day(live: Live) {
    let instance = build::instance("a");
    let seed = open_with(&live, build::settings_with_share(Window::UntilReset, true)).await;
    apply(&live, &vote_of(seed.overlay, "ann", Side::For)).await;
    let clean_up = async || {
        live.sessions.release(seed.overlay, &instance).await.unwrap();
        live.time.advance(COUNTS_ON_FOR).await;
        assert!(live.sessions.delete_orphan(seed.overlay, Duration::ZERO).await.unwrap());
        assert_eq!(read(&live, seed.overlay).await, None);
    };
    clean_up().await;
    let rest = UNTIL_RESET_TTL.saturating_sub(COUNTS_ON_FOR + Duration::from_secs(1));
    live.time.advance(rest).await;
    attach(&live, &seed).await;
    assert_eq!(tallied(&live, seed.overlay).await, (1, 0));
    apply(&live, &vote_of(seed.overlay, "ann", Side::Against)).await;
    assert_eq!(tallied(&live, seed.overlay).await, (0, 1));
    clean_up().await;
    assert!(!live.votes.reset(seed.overlay).await.unwrap());
    attach(&live, &seed).await;
    assert_eq!(tallied(&live, seed.overlay).await, (0, 0), "a reset reaches it all the same");
    apply(&live, &vote_of(seed.overlay, "cid", Side::For)).await;
    clean_up().await;
    live.time.advance(UNTIL_RESET_TTL).await;
    attach(&live, &seed).await;
    assert_eq!(tallied(&live, seed.overlay).await, (0, 0));
}

async fn a_replaced_address_takes_its_share_along(live: Live) {
    let seed = open_with(&live, build::settings_with_share(Window::UntilReset, false)).await;
    apply(&live, &build::vote(seed.overlay, Side::For)).await;
    live.sessions.delete(seed.overlay).await.unwrap();
    attach(&live, &seed).await;
    assert_eq!(tallied(&live, seed.overlay).await, (0, 0));
}

async fn another_window_begins_anew(live: Live) {
    let seed = open_with(&live, build::settings_with_share(build::window(30), false)).await;
    apply(&live, &build::vote(seed.overlay, Side::For)).await;
    let longer = build::versioned(build::settings_with_share(build::window(60), false), 2);
    assert!(live.sessions.put_settings(seed.overlay, &longer).await.unwrap());
    assert_eq!(tallied(&live, seed.overlay).await, (0, 0));
    assert_close(apply(&live, &build::vote(seed.overlay, Side::Against)).await, -100.0);
}

async fn momentum_begins_at_the_centre_after_a_share(live: Live) {
    let seed = open_with(&live, OverlaySettings::default()).await;
    apply(&live, &build::vote(seed.overlay, Side::For)).await;
    let share = build::versioned(build::settings_with_share(build::window(30), false), 2);
    assert!(live.sessions.put_settings(seed.overlay, &share).await.unwrap());
    assert_eq!(tallied(&live, seed.overlay).await, (0, 0), "a push is no vote of a window");
    apply(&live, &build::vote(seed.overlay, Side::For)).await;
    let momentum = build::versioned(OverlaySettings::default(), 3);
    assert!(live.sessions.put_settings(seed.overlay, &momentum).await.unwrap());
    let reading = read(&live, seed.overlay).await.unwrap();
    assert_eq!(reading.tally, None);
    assert_close(reading.after(Duration::ZERO).value(), 0.0);
    assert!(matches!(
        cast(&live, &build::vote(seed.overlay, Side::For)).await,
        chatpulse_domain::vote::VoteOutcome::Applied(_)
    ));
}
