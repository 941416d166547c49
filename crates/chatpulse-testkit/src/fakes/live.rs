//! Live state in process memory that a test can make fail and forget.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, InstanceId, MessageId, OverlayId};
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use chatpulse_store_embedded::MemoryLive;

use super::{Outage, forward_port};
use crate::clock::TestClock;
use crate::contract::Live;

/// [`MemoryLive`] behind an outage; it goes by a [`TestClock`]. Clones share one store.
#[derive(Clone)]
pub struct FakeLive {
    clock: TestClock,
    limit: Option<BucketLimit>,
    outage: Outage,
    store: Arc<Mutex<Arc<MemoryLive>>>,
}

impl FakeLive {
    /// An empty store; sessions get this token bucket.
    pub fn new(clock: TestClock, limit: Option<BucketLimit>) -> Self {
        let store = Arc::new(Mutex::new(empty(&clock, limit)));
        Self { clock, limit, outage: Outage::default(), store }
    }

    /// Makes every call fail from now on; what is stored stays.
    pub fn break_down(&self) {
        self.outage.begin();
    }

    /// Lets calls be answered again.
    pub fn recover(&self) {
        self.outage.end();
    }

    /// Loses everything, like a Redis that restarted empty.
    pub fn forget_everything(&self) {
        *self.store.lock().unwrap() = empty(&self.clock, self.limit);
    }

    fn reach(&self) -> Result<Arc<MemoryLive>, StoreError> {
        self.outage.check()?;
        Ok(Arc::clone(&self.store.lock().unwrap()))
    }
}

fn empty(clock: &TestClock, limit: Option<BucketLimit>) -> Arc<MemoryLive> {
    Arc::new(MemoryLive::new(Arc::new(clock.clone()), limit))
}

impl From<FakeLive> for Live {
    fn from(fake: FakeLive) -> Self {
        Self { time: Arc::new(fake.clock.clone()), votes: Arc::new(fake.clone()), sessions: Arc::new(fake) }
    }
}

forward_port! {
    VoteStore for FakeLive {
        fn cast(vote: &Vote) -> VoteOutcome;
        fn note_seen(overlay: OverlayId, message: &MessageId) -> bool;
        fn push(overlay: OverlayId, side: Side) -> Option<Sentiment>;
        fn read(overlays: &[OverlayId]) -> Vec<Option<Reading>>;
        fn reset(overlay: OverlayId) -> bool;
    }
}

forward_port! {
    SessionStore for FakeLive {
        fn attach(seed: &SessionSeed, instance: &InstanceId, viewers: u32) -> ();
        fn release(overlay: OverlayId, instance: &InstanceId) -> ();
        fn find(broadcaster: &ChannelId) -> Option<Session>;
        fn find_by_overlay(overlay: OverlayId) -> Option<Session>;
        fn attached() -> Vec<(OverlayId, SettingsVersion)>;
        fn put_settings(overlay: OverlayId, settings: &VersionedSettings) -> bool;
        fn activity(overlay: OverlayId) -> Option<SessionActivity>;
        fn orphans(age: Duration) -> Vec<Orphan>;
        fn delete_orphan(overlay: OverlayId, age: Duration) -> bool;
        fn delete(overlay: OverlayId) -> ();
    }
}
