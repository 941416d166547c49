//! The real hub over a fake store, in paused time: when frames are sent, and what is in them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_broadcast::frame::Frames;
use chatpulse_broadcast::handle::{HubHandle, WatchError, Watching};
use chatpulse_broadcast::hub::{Hub, HubConfig};
use chatpulse_domain::ids::{MessageId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::signals::{Signal, Signals as _};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::clock::TestClock;
use chatpulse_testkit::fakes::{FakeLive, FakeSignals};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_millis(50);

struct World {
    hub: HubHandle,
    live: FakeLive,
    signals: FakeSignals,
    clock: TestClock,
    seed: SessionSeed,
    _stop: tokio_util::sync::DropGuard,
}

async fn world() -> World {
    world_with(|live| Arc::new(live)).await
}

async fn world_with(votes: impl FnOnce(FakeLive) -> Arc<dyn VoteStore>) -> World {
    let clock = TestClock::new();
    let (live, signals) = (FakeLive::new(clock.clone(), None), FakeSignals::new());
    let (hub, handle) = Hub::new(HubConfig {
        votes: votes(live.clone()),
        sessions: Arc::new(live.clone()),
        signals: Arc::new(signals.clone()),
        tick: TICK,
        clients_per_session_max: 3,
    });
    let stop = CancellationToken::new();
    tokio::spawn(hub.run(stop.clone()));
    let seed = build::seed();
    live.attach(&seed, &build::instance("test-1"), 1).await.unwrap();
    World { hub: handle, live, signals, clock, seed, _stop: stop.drop_guard() }
}

impl World {
    async fn watch(&self) -> Watching {
        self.hub.watch(self.seed.clone()).await.unwrap()
    }

    async fn push(&self, side: Side) {
        self.live.push(self.seed.overlay, side).await.unwrap().unwrap();
    }

    async fn vote(&self, side: Side) {
        self.push(side).await;
        self.signals.publish(Signal::SentimentChanged(self.seed.overlay));
    }

    /// Lets both clocks run.
    async fn pass(&self, span: Duration) {
        self.clock.advance(span);
        tokio::time::sleep(span).await;
    }
}

/// A store whose answers take their time, and that counts what it is asked.
struct Slow {
    live: FakeLive,
    takes: Duration,
    reads: Arc<AtomicUsize>,
}

#[async_trait]
impl VoteStore for Slow {
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError> {
        self.live.cast(vote).await
    }

    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError> {
        self.live.note_seen(overlay, message).await
    }

    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError> {
        self.live.push(overlay, side).await
    }

    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.takes).await;
        self.live.read(overlays).await
    }

    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError> {
        self.live.reset(overlay).await
    }
}

fn value(frames: &Frames) -> f64 {
    serde_json::from_str::<serde_json::Value>(&frames.value).unwrap()["value"].as_f64().unwrap()
}

fn status(frames: &Frames) -> String {
    serde_json::from_str::<serde_json::Value>(&frames.value).unwrap()["status"].as_str().unwrap().to_owned()
}

async fn next(watching: &mut Watching) -> Frames {
    timeout(Duration::from_mins(2), watching.frames.changed()).await.expect("a frame comes").unwrap();
    watching.frames.borrow_and_update().clone()
}

#[tokio::test(start_paused = true)]
async fn a_new_socket_begins_with_the_present_value() {
    let world = world().await;
    world.push(Side::For).await;
    let mut watching = world.watch().await;
    let first = watching.frames.borrow_and_update().clone();
    assert!((value(&first) - 10.0).abs() < f64::EPSILON, "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_vote_after_a_quiet_spell_is_announced_at_once() {
    let world = world().await;
    let mut watching = world.watch().await;
    world.pass(Duration::from_secs(1)).await;
    watching.frames.borrow_and_update();
    let voted = Instant::now();
    world.vote(Side::Against).await;
    let frame = next(&mut watching).await;
    assert_eq!((value(&frame), Instant::now()), (-10.0, voted));
}

#[tokio::test(start_paused = true)]
async fn many_votes_share_the_frame_of_their_tick() {
    let world = world().await;
    let mut watching = world.watch().await;
    world.pass(Duration::from_secs(1)).await;
    watching.frames.borrow_and_update();
    let began = Instant::now();
    let mut frames = 0;
    for _ in 0..100 {
        world.vote(Side::For).await;
        world.pass(Duration::from_millis(1)).await;
        frames += u32::from(watching.frames.has_changed().unwrap());
        watching.frames.borrow_and_update();
    }
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert!((2..=3).contains(&frames), "{frames} frames in 100 ms of 50 ms ticks");
}

#[tokio::test(start_paused = true)]
async fn drifting_back_takes_a_frame_a_second_ends_at_exactly_zero_and_then_is_silent() {
    let world = world().await;
    let mut watching = world.watch().await;
    world.vote(Side::For).await;
    let mut values = Vec::new();
    for _ in 0..60 {
        world.pass(Duration::from_secs(1)).await;
        if watching.frames.has_changed().unwrap() {
            values.push(value(&watching.frames.borrow_and_update()));
        }
    }
    assert!(values.windows(2).all(|pair| pair[1] < pair[0]), "{values:?}");
    assert_eq!(values.last(), Some(&0.0));
    assert!((12..=20).contains(&values.len()), "one a second from 10 to nothing: {values:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_signal_costs_at_most_a_second_where_people_vote_and_five_where_nobody_did() {
    let world = world().await;
    let mut watching = world.watch().await;
    world.pass(Duration::from_mins(5)).await;
    watching.frames.borrow_and_update();
    let silent = Instant::now();
    world.push(Side::For).await;
    assert!(value(&next(&mut watching).await) > 0.0);
    assert!(silent.elapsed() <= Duration::from_secs(5), "{:?}", silent.elapsed());
    let lively = Instant::now();
    world.push(Side::For).await;
    world.push(Side::For).await;
    assert!(value(&next(&mut watching).await) > 20.0);
    assert!(lively.elapsed() <= Duration::from_secs(1), "{:?}", lively.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_only_just_began_is_as_idle_as_any() {
    let world = world().await;
    let mut watching = world.watch().await;
    watching.frames.borrow_and_update();
    let silent = Instant::now();
    world.push(Side::For).await;
    next(&mut watching).await;
    // Idle ones are looked at together: it may have come right before that.
    assert!(silent.elapsed() > Duration::from_secs(2), "looked at after {:?}", silent.elapsed());
}

#[tokio::test(start_paused = true)]
async fn after_a_gap_everything_is_looked_at_at_once() {
    let world = world().await;
    let mut watching = world.watch().await;
    world.pass(Duration::from_mins(2)).await;
    watching.frames.borrow_and_update();
    world.push(Side::For).await;
    let missed = Instant::now();
    world.signals.gap();
    next(&mut watching).await;
    assert_eq!(missed.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_outage_shows_the_last_value_decaying_and_says_degraded() {
    let world = world().await;
    let mut watching = world.watch().await;
    for _ in 0..10 {
        world.vote(Side::For).await;
    }
    world.pass(Duration::from_millis(200)).await;
    watching.frames.borrow_and_update();
    world.live.break_down();
    let frame = next(&mut watching).await;
    assert_eq!(status(&frame), "degraded");
    let early = value(&frame);
    let late = value(&next(&mut watching).await);
    assert!(late < early && late > 0.0, "{early} then {late}");
    world.live.recover();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(status(&watching.frames.borrow_and_update()), "active");
}

#[tokio::test(start_paused = true)]
async fn saved_settings_reach_open_sockets_and_older_ones_change_nothing() {
    let world = world().await;
    let mut watching = world.watch().await;
    watching.frames.borrow_and_update();
    let saved = build::versioned(build::settings_with_decay(2.0), 7);
    world.live.put_settings(world.seed.overlay, &saved).await.unwrap();
    let broadcaster = world.seed.broadcaster.clone();
    world.signals.publish(Signal::SettingsChanged { overlay: world.seed.overlay, broadcaster });
    let frame = next(&mut watching).await;
    assert_eq!(frame.config.0, saved.version);
    let _late = world.watch().await;
    assert_eq!(watching.frames.borrow().config.0, saved.version, "an older page does not take it back");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_address_closes_its_sockets() {
    let world = world().await;
    let mut watching = world.watch().await;
    watching.frames.borrow_and_update();
    world.signals.publish(Signal::OverlayRotated(world.seed.overlay));
    let _ = watching.frames.changed().await;
    assert!(watching.frames.borrow_and_update().rotated);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_after_everybody_left_begins_with_what_is_there_now() {
    let world = world().await;
    let watching = world.watch().await;
    world.vote(Side::For).await;
    world.pass(Duration::from_millis(10)).await;
    drop(watching);
    world.live.delete(world.seed.overlay).await.unwrap();
    world.live.attach(&world.seed, &build::instance("test-1"), 1).await.unwrap();
    let mut watching = world.watch().await;
    assert!(value(&watching.frames.borrow_and_update()).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn settings_whose_signal_was_lost_are_found_by_the_next_look() {
    let world = world().await;
    let mut watching = world.watch().await;
    watching.frames.borrow_and_update();
    let saved = build::versioned(build::settings_with_triggers(&["ja"], &["nein"]), 7);
    world.live.put_settings(world.seed.overlay, &saved).await.unwrap();
    let lost = Instant::now();
    assert_eq!(next(&mut watching).await.config.0, saved.version);
    assert!(lost.elapsed() <= Duration::from_secs(6), "{:?}", lost.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_comes_after_its_address_was_replaced_is_told_so() {
    let world = world().await;
    world.pass(Duration::from_millis(1)).await;
    world.signals.publish(Signal::OverlayRotated(world.seed.overlay));
    world.pass(Duration::from_millis(1)).await;
    assert_eq!(world.hub.watch(world.seed.clone()).await.err(), Some(WatchError::Rotated));
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_keeps_nobody_out_and_is_asked_once_for_many() {
    let reads = Arc::new(AtomicUsize::new(0));
    let takes = Duration::from_millis(300);
    let world = world_with(|live| Arc::new(Slow { live, takes, reads: Arc::clone(&reads) })).await;
    let first = Instant::now();
    let _watching = world.watch().await;
    assert_eq!(first.elapsed(), takes, "the first needs a value to begin with");
    let (began, before) = (Instant::now(), reads.load(Ordering::Relaxed));
    let _second = world.watch().await;
    assert_eq!(began.elapsed(), Duration::ZERO, "a session that is shown needs none");
    let seeds: Vec<SessionSeed> = (0..100).map(|_| build::seed()).collect();
    let watching = seeds.iter().map(|seed| world.hub.watch(seed.clone()));
    for watching in futures_util::future::join_all(watching).await {
        watching.unwrap();
    }
    assert!(began.elapsed() <= 2 * takes, "{:?}", began.elapsed());
    assert!(reads.load(Ordering::Relaxed) - before <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_at_rest_is_looked_at_once_in_five_seconds() {
    let reads = Arc::new(AtomicUsize::new(0));
    let takes = Duration::from_millis(1);
    let world = world_with(|live| Arc::new(Slow { live, takes, reads: Arc::clone(&reads) })).await;
    let _watching = [world.watch().await, world.watch().await, world.watch().await];
    // Also one that began a moment ago.
    world.pass(Duration::from_secs(1)).await;
    let before = reads.load(Ordering::Relaxed);
    world.pass(Duration::from_mins(1)).await;
    assert_eq!(reads.load(Ordering::Relaxed) - before, 12);
}

#[tokio::test(start_paused = true)]
async fn a_session_has_only_so_many_sockets_and_a_place_comes_free() {
    let world = world().await;
    let mut open = vec![world.watch().await, world.watch().await, world.watch().await];
    assert_eq!(world.hub.watch(world.seed.clone()).await.err(), Some(WatchError::Full));
    assert_eq!(world.hub.clients(), 3);
    open.pop();
    assert!(world.hub.watch(world.seed.clone()).await.is_ok());
}
