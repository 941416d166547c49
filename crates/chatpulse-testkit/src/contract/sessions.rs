//! The promises of [`SessionStore`](chatpulse_domain::ports::sessions::SessionStore).

use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::VoteOutcome;

use super::{Live, assert_close};
use crate::builders as build;

mod activity;
mod orphans;
mod settings;

/// Checks every promise; `make` returns a fresh adapter with this token bucket.
pub async fn holds(make: impl AsyncFn(Option<BucketLimit>) -> Live) {
    only_attaching_creates_a_session(make(None).await).await;
    a_new_session_is_centred_and_found_by_its_chat(make(None).await).await;
    attaching_to_an_existing_session_keeps_its_value(make(None).await).await;
    a_deleted_session_is_gone_whoever_was_attached(make(None).await).await;
    a_session_attached_again_after_its_end_begins_centred(make(None).await).await;
    the_chat_votes_in_the_session_attached_last(make(None).await).await;
    deleting_an_older_session_leaves_the_newer_in_place(make(None).await).await;
    deleting_the_newest_session_leaves_no_false_entry(make(None).await).await;
    a_session_is_found_by_its_address(make(None).await).await;
    attached_sessions_are_listed_with_their_settings(make(None).await).await;
    settings::hold(&make).await;
    orphans::hold(&make).await;
    activity::hold(&make).await;
}

/// The seed of a session that no other test uses.
fn seed() -> SessionSeed {
    SessionSeed { broadcaster: build::fresh_channel(), ..build::seed() }
}

async fn attach(live: &Live, seed: &SessionSeed, instance: &str, viewers: u32) {
    let instance = build::instance(instance);
    live.sessions.attach(seed, &instance, viewers).await.unwrap();
}

async fn release(live: &Live, seed: &SessionSeed, instance: &str) {
    let instance = build::instance(instance);
    live.sessions.release(seed.overlay, &instance).await.unwrap();
}

async fn value(live: &Live, overlay: OverlayId) -> Option<f64> {
    let readings = live.votes.read(&[overlay]).await.unwrap();
    readings[0].map(|reading| reading.after(Duration::ZERO).value())
}

/// The overlay that this seed's chat votes in.
async fn found(live: &Live, seed: &SessionSeed) -> Option<OverlayId> {
    let session = live.sessions.find(&seed.broadcaster).await.unwrap();
    session.map(|session| session.overlay)
}

async fn only_attaching_creates_a_session(live: Live) {
    let seed = seed();
    release(&live, &seed, "a").await;
    let newer = build::versioned(seed.settings.settings.clone(), 9);
    assert!(!live.sessions.put_settings(seed.overlay, &newer).await.unwrap());
    live.sessions.delete(seed.overlay).await.unwrap();
    let deleted = live.sessions.delete_orphan(seed.overlay, Duration::ZERO);
    assert!(!deleted.await.unwrap());
    assert_eq!(live.sessions.activity(seed.overlay).await.unwrap(), None);
    assert_eq!(live.sessions.find(&seed.broadcaster).await.unwrap(), None);
    assert_eq!(value(&live, seed.overlay).await, None);
}

async fn a_new_session_is_centred_and_found_by_its_chat(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    let session = live.sessions.find(&seed.broadcaster).await.unwrap().unwrap();
    assert_eq!(session.overlay, seed.overlay);
    assert_eq!(session.broadcaster, seed.broadcaster);
    assert_eq!(*session.settings, seed.settings);
    assert_eq!(value(&live, seed.overlay).await, Some(0.0));
}

async fn attaching_to_an_existing_session_keeps_its_value(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    live.votes.push(seed.overlay, Side::For).await.unwrap();
    attach(&live, &seed, "a", 2).await;
    attach(&live, &seed, "b", 1).await;
    release(&live, &seed, "a").await;
    release(&live, &seed, "b").await;
    attach(&live, &seed, "c", 1).await;
    assert_close(value(&live, seed.overlay).await.unwrap(), 10.0);
}

async fn a_deleted_session_is_gone_whoever_was_attached(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 1).await;
    attach(&live, &seed, "b", 1).await;
    live.sessions.delete(seed.overlay).await.unwrap();
    assert_gone(&live, &seed).await;
}

async fn assert_gone(live: &Live, seed: &SessionSeed) {
    assert_eq!(found(live, seed).await, None);
    assert_eq!(value(live, seed.overlay).await, None);
    assert_eq!(live.sessions.activity(seed.overlay).await.unwrap(), None);
    let vote = build::vote(seed.overlay, Side::For);
    assert_eq!(live.votes.cast(&vote).await.unwrap(), VoteOutcome::NoSession);
}

async fn a_session_attached_again_after_its_end_begins_centred(live: Live) {
    let seed = seed();
    attach(&live, &seed, "a", 3).await;
    live.votes.push(seed.overlay, Side::For).await.unwrap();
    live.sessions.delete(seed.overlay).await.unwrap();
    attach(&live, &seed, "b", 1).await;
    assert_eq!(value(&live, seed.overlay).await, Some(0.0));
    let activity = live.sessions.activity(seed.overlay).await.unwrap().unwrap();
    assert_eq!((activity.viewers, activity.votes_last_minute), (1, 0));
}

async fn a_session_is_found_by_its_address(live: Live) {
    let seed = seed();
    assert_eq!(live.sessions.find_by_overlay(seed.overlay).await.unwrap(), None);
    attach(&live, &seed, "a", 1).await;
    let by_chat = live.sessions.find(&seed.broadcaster).await.unwrap();
    assert_eq!(live.sessions.find_by_overlay(seed.overlay).await.unwrap(), by_chat);
    assert!(by_chat.is_some_and(|session| *session.settings == seed.settings));
}

async fn attached_sessions_are_listed_with_their_settings(live: Live) {
    let (alone, shared, left) = (seed(), seed(), seed());
    let alone = SessionSeed { settings: build::versioned(alone.settings.settings.clone(), 7), ..alone };
    attach(&live, &alone, "a", 0).await;
    attach(&live, &shared, "a", 1).await;
    attach(&live, &shared, "b", 1).await;
    attach(&live, &left, "b", 1).await;
    release(&live, &left, "b").await;
    let listed = live.sessions.attached().await.unwrap();
    let versions = |seed: &SessionSeed| -> Vec<u64> {
        listed.iter().filter(|(overlay, _)| *overlay == seed.overlay).map(|(_, version)| version.0).collect()
    };
    assert_eq!((versions(&alone), versions(&shared), versions(&left)), (vec![7], vec![1], vec![]));
}

/// Two overlays of one streamer: before and after the overlay URL was replaced.
fn rotated() -> (SessionSeed, SessionSeed) {
    let before = seed();
    let after = SessionSeed { overlay: OverlayId::random(), ..before.clone() };
    (before, after)
}

async fn the_chat_votes_in_the_session_attached_last(live: Live) {
    let (before, after) = rotated();
    attach(&live, &before, "a", 1).await;
    attach(&live, &after, "a", 1).await;
    assert_eq!(found(&live, &after).await, Some(after.overlay));
}

async fn deleting_an_older_session_leaves_the_newer_in_place(live: Live) {
    let (before, after) = rotated();
    attach(&live, &before, "a", 1).await;
    attach(&live, &after, "a", 1).await;
    live.sessions.delete(before.overlay).await.unwrap();
    assert_eq!(found(&live, &after).await, Some(after.overlay));

    let (before, after) = rotated();
    attach(&live, &before, "a", 1).await;
    attach(&live, &after, "a", 1).await;
    release(&live, &before, "a").await;
    let deleted = live.sessions.delete_orphan(before.overlay, Duration::ZERO);
    assert!(deleted.await.unwrap());
    assert_eq!(found(&live, &after).await, Some(after.overlay));
}

async fn deleting_the_newest_session_leaves_no_false_entry(live: Live) {
    let (before, after) = rotated();
    attach(&live, &before, "a", 1).await;
    attach(&live, &after, "a", 1).await;
    live.sessions.delete(before.overlay).await.unwrap();
    live.sessions.delete(after.overlay).await.unwrap();
    assert_eq!(found(&live, &after).await, None);
}
