//! Live state in plain lists: the rules of votes and sessions as one would explain them on paper.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ChatterId, InstanceId, MessageId, OverlayId};
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::Session;
use chatpulse_domain::side::Side;
use chatpulse_domain::tally::{TallyReading, WindowedTally};
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::token_bucket::{BucketLimit, TokenBucket};

use super::Outage;
use crate::clock::TestClock;
use crate::contract::Live;

mod sessions;
mod votes;

/// Votes and sessions that go by a [`TestClock`]. Clones are one.
#[derive(Clone)]
pub struct FakeLive {
    clock: TestClock,
    limit: Option<BucketLimit>,
    outage: Outage,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    sessions: Vec<FakeSession>,
    /// Which session each chat votes in; the last entry of a chat counts.
    index: Vec<(ChannelId, OverlayId)>,
    seen: Vec<(OverlayId, MessageId, Timestamp)>,
    debounced: Vec<(OverlayId, ChatterId, Timestamp)>,
    /// Of sessions that ended by themselves.
    tallies: Vec<(OverlayId, WindowedTally)>,
}

struct FakeSession {
    session: Session,
    value: Sentiment,
    changed_at: Timestamp,
    tally: Option<WindowedTally>,
    instances: Vec<(InstanceId, u32)>,
    disconnected_at: Option<Timestamp>,
    bucket: Option<TokenBucket>,
    applied: Vec<Timestamp>,
    limited: Vec<Timestamp>,
}

impl FakeLive {
    /// Nothing live yet; sessions get this token bucket.
    pub fn new(clock: TestClock, limit: Option<BucketLimit>) -> Self {
        Self { clock, limit, outage: Outage::default(), state: Arc::default() }
    }

    /// Every call fails from now on; what is stored stays.
    pub fn break_down(&self) {
        self.outage.begin();
    }

    /// Calls are answered again.
    pub fn recover(&self) {
        self.outage.end();
    }

    /// Loses everything, like a Redis that restarted empty.
    pub fn forget_everything(&self) {
        *self.state.lock().unwrap() = State::default();
    }

    /// The lock and the time, unless it broke down.
    fn enter(&self, operation: &'static str) -> Result<(MutexGuard<'_, State>, Timestamp), StoreError> {
        self.outage.check(operation)?;
        Ok((self.state.lock().unwrap(), self.clock.now()))
    }
}

impl From<FakeLive> for Live {
    fn from(fake: FakeLive) -> Self {
        Self { time: Arc::new(fake.clock.clone()), votes: Arc::new(fake.clone()), sessions: Arc::new(fake) }
    }
}

impl State {
    fn session(&mut self, overlay: OverlayId) -> Option<&mut FakeSession> {
        self.sessions.iter_mut().find(|live| live.session.overlay == overlay)
    }

    fn remove(&mut self, overlay: OverlayId) {
        self.sessions.retain(|live| live.session.overlay != overlay);
        self.index.retain(|(_, indexed)| *indexed != overlay);
    }
}

impl FakeSession {
    fn reading(&self, now: Timestamp) -> Reading {
        let settings = &self.session.settings.settings;
        let counted = self.tally.as_ref().filter(|tally| tally.is_over(settings.window()));
        let counted = counted.map(|tally| tally.read(now)).unwrap_or_default();
        let tally = (settings.mode == Mode::Share).then_some(counted);
        Reading {
            sentiment: tally.map_or(self.value, TallyReading::sentiment),
            tally,
            age: now.since(self.changed_at),
            decay: self.session.settings.settings.decay_speed,
            version: self.session.settings.version,
        }
    }

    fn set(&mut self, value: Sentiment, now: Timestamp) {
        self.value = value;
        self.changed_at = now;
    }

    fn push(&mut self, chatter: Option<&ChatterId>, side: Side, now: Timestamp) -> Sentiment {
        self.applied.push(now);
        let settings = &self.session.settings.settings;
        if settings.mode == Mode::Share {
            let (window, one_vote_each) = (settings.window(), settings.one_vote_each);
            self.set(Sentiment::CENTRE, now);
            self.tally.take_if(|tally| !tally.is_over(window));
            let tally = self.tally.get_or_insert_with(|| WindowedTally::new(window, now));
            return tally.count(chatter.filter(|_| one_vote_each), side, now).sentiment();
        }
        let value = self.reading(now).after(Duration::ZERO).pushed(side);
        self.set(value, now);
        value
    }

    fn reset(&mut self, now: Timestamp) {
        self.set(Sentiment::CENTRE, now);
        self.tally = None;
    }

    /// `true` if these were newer.
    fn put_settings(&mut self, settings: &VersionedSettings, now: Timestamp) -> bool {
        if settings.version <= self.session.settings.version {
            return false;
        }
        let folded =
            Reading { sentiment: self.value, tally: None, ..self.reading(now) }.after(Duration::ZERO);
        self.set(folded, now);
        self.session.settings = Arc::new(settings.clone());
        true
    }
}

/// Adapters count by the second, so this does too.
fn within_the_last_minute(times: &[Timestamp], now: Timestamp) -> usize {
    let second = |time: Timestamp| time.unix_ms.div_euclid(1_000);
    let is_recent = |time: &&Timestamp| second(now) - second(**time) < 60;
    times.iter().filter(is_recent).count()
}
