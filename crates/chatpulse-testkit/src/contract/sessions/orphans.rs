//! The promises about orphans: when a session becomes one, and when it may be deleted.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::session::{COUNTS_ON_FOR, Orphan, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::VoteOutcome;
use chatpulse_domain::window::Window;
use tokio::sync::Barrier;

use super::{assert_gone, attach, found, release, seed};
use crate::builders as build;
use crate::contract::Live;

const AGE: Duration = Duration::from_secs(30);

pub(super) async fn hold(make: &impl AsyncFn(Option<BucketLimit>) -> Live) {
    a_session_is_an_orphan_once_it_is_old_enough(make(None).await).await;
    a_session_with_one_attached_instance_left_is_no_orphan(make(None).await).await;
    a_session_without_viewers_is_still_attached(make(None).await).await;
    releasing_without_being_attached_changes_nothing(make(None).await).await;
    a_session_attached_again_is_no_orphan(make(None).await).await;
    an_orphan_is_deleted_only_when_it_is_old_enough(make(None).await).await;
    a_share_until_reset_goes_on_counting_before_it_is_an_orphan(make(None).await).await;
    an_orphan_whose_settings_change_is_kept_as_they_say(make(None).await).await;
    a_session_joined_while_it_is_cleaned_up_survives(make(None).await).await;
}

async fn orphan(live: &Live, seed: &SessionSeed) -> Option<Orphan> {
    let orphans = live.sessions.orphans(AGE).await.unwrap();
    orphans.into_iter().find(|orphan| orphan.overlay == seed.overlay)
}

async fn delete_orphan(live: &Live, seed: &SessionSeed) -> bool {
    live.sessions.delete_orphan(seed.overlay, AGE).await.unwrap()
}

async fn a_session_is_an_orphan_once_it_is_old_enough(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    release(&live, &seed, "a").await;
    let a_moment = Duration::from_millis(1);
    live.time.advance(AGE.checked_sub(a_moment).unwrap()).await;
    assert_eq!(orphan(&live, &seed).await, None);
    live.time.advance(a_moment).await;
    let first = orphan(&live, &seed).await.unwrap();
    assert_eq!(first.broadcaster, seed.broadcaster);
    live.time.advance(AGE).await;
    let later = orphan(&live, &seed).await.unwrap();
    assert_eq!(later.disconnected_at, first.disconnected_at);
}

async fn a_session_with_one_attached_instance_left_is_no_orphan(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    attach(&live, &seed, "b", 1).await;
    release(&live, &seed, "a").await;
    live.time.advance(AGE * 2).await;
    assert_eq!(orphan(&live, &seed).await, None);
    assert!(!delete_orphan(&live, &seed).await);
    assert_eq!(found(&live, &seed).await, Some(seed.overlay));
}

async fn a_session_without_viewers_is_still_attached(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 0).await;
    live.time.advance(AGE * 2).await;
    assert_eq!(orphan(&live, &seed).await, None);
    assert!(!delete_orphan(&live, &seed).await);
}

async fn releasing_without_being_attached_changes_nothing(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    release(&live, &seed, "stranger").await;
    live.time.advance(AGE).await;
    assert_eq!(orphan(&live, &seed).await, None);
    release(&live, &seed, "a").await;
    live.time.advance(AGE / 2).await;
    release(&live, &seed, "a").await;
    release(&live, &seed, "stranger").await;
    live.time.advance(AGE / 2).await;
    assert!(orphan(&live, &seed).await.is_some(), "its age does not begin anew");
}

async fn a_session_attached_again_is_no_orphan(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    release(&live, &seed, "a").await;
    live.time.advance(AGE).await;
    attach(&live, &seed, "b", 1).await;
    assert_eq!(orphan(&live, &seed).await, None);
    assert!(!delete_orphan(&live, &seed).await);
    release(&live, &seed, "b").await;
    assert_eq!(orphan(&live, &seed).await, None, "its age begins anew");
    assert!(!delete_orphan(&live, &seed).await);
}

async fn an_orphan_is_deleted_only_when_it_is_old_enough(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    release(&live, &seed, "a").await;
    live.time.advance(AGE / 2).await;
    assert!(!delete_orphan(&live, &seed).await);
    live.time.advance(AGE / 2).await;
    assert!(delete_orphan(&live, &seed).await);
    assert_gone(&live, &seed).await;
    assert_eq!(orphan(&live, &seed).await, None);
    assert!(!delete_orphan(&live, &seed).await);
}

fn settings(window: Window, version: u64) -> VersionedSettings {
    build::versioned(build::settings_with_share(window, false), version)
}

async fn votes_count(live: &Live, seed: &SessionSeed) -> bool {
    let cast = live.votes.cast(&build::vote(seed.overlay, Side::For)).await.unwrap();
    matches!(cast, VoteOutcome::Applied(_))
}

async fn a_share_until_reset_goes_on_counting_before_it_is_an_orphan(live: Live) {
    let seed = SessionSeed { settings: settings(Window::UntilReset, 1), ..seed() };
    attach(&live, &seed, "a", 1).await;
    release(&live, &seed, "a").await;
    for part in [AGE, COUNTS_ON_FOR.saturating_sub(AGE), AGE.saturating_sub(Duration::from_millis(1))] {
        live.time.advance(part).await;
        assert!(votes_count(&live, &seed).await);
        assert_eq!(orphan(&live, &seed).await, None);
        assert!(!delete_orphan(&live, &seed).await);
        assert_eq!(found(&live, &seed).await, Some(seed.overlay));
    }
    let read = live.votes.read(&[seed.overlay]).await.unwrap();
    assert_eq!(read[0].unwrap().tally.unwrap().in_favor, 3);
    live.time.advance(Duration::from_millis(1)).await;
    assert!(orphan(&live, &seed).await.is_some());
    assert!(delete_orphan(&live, &seed).await);
    assert_gone(&live, &seed).await;
    assert_eq!(orphan(&live, &seed).await, None);
}

async fn an_orphan_whose_settings_change_is_kept_as_they_say(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    release(&live, &seed, "a").await;
    let put = async |window, version| {
        assert!(live.sessions.put_settings(seed.overlay, &settings(window, version)).await.unwrap());
    };
    put(Window::UntilReset, 2).await;
    live.time.advance(AGE * 2).await;
    assert_eq!(orphan(&live, &seed).await, None);
    assert!(!delete_orphan(&live, &seed).await);
    put(build::window(30), 3).await;
    assert!(orphan(&live, &seed).await.is_some(), "it is listed without the time that it would have counted");
    assert!(delete_orphan(&live, &seed).await);
}

/// Whichever call is first, the overlay that connects has a session afterwards.
async fn a_session_joined_while_it_is_cleaned_up_survives(live: Live) {
    for _ in 0..50 {
        let seed = seed();
        attach(&live, &seed, "a", 1).await;
        release(&live, &seed, "a").await;
        let start = Arc::new(Barrier::new(2));
        let cleaner = {
            let (sessions, start) = (Arc::clone(&live.sessions), Arc::clone(&start));
            let overlay = seed.overlay;
            tokio::spawn(async move {
                start.wait().await;
                sessions.delete_orphan(overlay, Duration::ZERO).await.unwrap()
            })
        };
        start.wait().await;
        attach(&live, &seed, "b", 1).await;
        cleaner.await.unwrap();
        assert_eq!(found(&live, &seed).await, Some(seed.overlay));
    }
}
