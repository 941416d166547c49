//! One session's state, and what each call does to it. No lock and no clock in here: `now` comes in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ChatterId, InstanceId};
use chatpulse_domain::look::MeasureKind;
use chatpulse_domain::overlay::{Measure, VersionedSettings};
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::tally::{TallyReading, WindowedTally};
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::token_bucket::{BucketLimit, TokenBucket};

use super::last_minute::LastMinute;

/// The live state of one overlay.
pub(super) struct LiveSession {
    session: Session,
    /// As it was at `changed_at`; a reader decays it to now.
    value: Sentiment,
    changed_at: Timestamp,
    /// `None` until the first vote of a share.
    tally: Option<WindowedTally>,
    /// Sockets at each instance that serves it.
    instances: HashMap<InstanceId, u32>,
    /// Set when the last instance released it.
    disconnected_at: Option<Timestamp>,
    /// `None` until the first vote: a new bucket is full.
    bucket: Option<TokenBucket>,
    last_vote_at: Option<Timestamp>,
    applied: LastMinute,
    limited: LastMinute,
}

impl LiveSession {
    /// With what was counted before its last session was cleaned up.
    pub(super) fn new(seed: &SessionSeed, tally: Option<WindowedTally>, now: Timestamp) -> Self {
        Self {
            session: Session {
                overlay: seed.overlay,
                broadcaster: seed.broadcaster.clone(),
                settings: Arc::new(seed.settings.clone()),
            },
            value: Sentiment::CENTRE,
            changed_at: now,
            tally,
            instances: HashMap::new(),
            disconnected_at: None,
            bucket: None,
            last_vote_at: None,
            applied: LastMinute::new(),
            limited: LastMinute::new(),
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn broadcaster(&self) -> &ChannelId {
        &self.session.broadcaster
    }

    pub(super) fn reading(&self, now: Timestamp) -> Reading {
        let tally = (self.measure().kind == MeasureKind::Share).then(|| self.tallied(now));
        Reading {
            sentiment: tally.map_or(self.value, TallyReading::sentiment),
            tally,
            age: now.since(self.changed_at),
            decay: self.session.settings.settings.decay,
            version: self.session.settings.version,
        }
    }

    fn measure(&self) -> Measure {
        self.session.settings.settings.measure
    }

    fn tallied(&self, now: Timestamp) -> TallyReading {
        let window = self.measure().window;
        let tally = self.tally.as_ref().filter(|tally| tally.is_over(window));
        tally.map(|tally| tally.read(now)).unwrap_or_default()
    }

    /// Spends a token. `false` if there is none, which costs nothing. A share cannot be pinned, so it needs none.
    pub(super) fn take_token(&mut self, limit: Option<BucketLimit>, now: Timestamp) -> bool {
        let Some(limit) = limit.filter(|_| self.measure().kind == MeasureKind::Momentum) else {
            return true;
        };
        let bucket = self.bucket.unwrap_or_else(|| TokenBucket::full(limit, now));
        let Some(left) = bucket.refilled(limit, now).take() else {
            self.limited.add(now);
            return false;
        };
        self.bucket = Some(left);
        true
    }

    /// Momentum decays to now, then moves one step to the side; a share counts one more. A vote without a chatter is
    /// nobody's.
    pub(super) fn push(&mut self, chatter: Option<&ChatterId>, side: Side, now: Timestamp) -> Sentiment {
        let value = match self.measure().kind {
            MeasureKind::Momentum => {
                self.set(self.value_at(now).pushed(side), now);
                self.value
            }
            MeasureKind::Share => {
                self.set(Sentiment::CENTRE, now);
                self.count(chatter, side, now).sentiment()
            }
        };
        self.last_vote_at = Some(now);
        self.applied.add(now);
        value
    }

    fn count(&mut self, chatter: Option<&ChatterId>, side: Side, now: Timestamp) -> TallyReading {
        let Measure { window, one_vote_each, .. } = self.measure();
        self.tally.take_if(|tally| !tally.is_over(window));
        let tally = self.tally.get_or_insert_with(|| WindowedTally::new(window, now));
        tally.count(chatter.filter(|_| one_vote_each), side, now)
    }

    pub(super) fn reset(&mut self, now: Timestamp) {
        self.set(Sentiment::CENTRE, now);
        self.tally = None;
    }

    /// What outlives the session.
    pub(super) fn into_tally(self) -> Option<WindowedTally> {
        self.tally
    }

    /// Takes newer settings, after folding the value at the old speed. `false` if they are not newer.
    pub(super) fn put_settings(&mut self, settings: &VersionedSettings, now: Timestamp) -> bool {
        if settings.version <= self.session.settings.version {
            return false;
        }
        self.set(self.value_at(now), now);
        self.session.settings = Arc::new(settings.clone());
        true
    }

    pub(super) fn attach(&mut self, instance: &InstanceId, viewers: u32) {
        self.instances.insert(instance.clone(), viewers);
        self.disconnected_at = None;
    }

    pub(super) fn release(&mut self, instance: &InstanceId, now: Timestamp) {
        let was_attached = self.instances.remove(instance).is_some();
        if was_attached && self.instances.is_empty() {
            self.disconnected_at = Some(now);
        }
    }

    pub(super) fn is_attached(&self) -> bool {
        !self.instances.is_empty()
    }

    pub(super) fn activity(&self, now: Timestamp) -> SessionActivity {
        let viewers = self.instances.values();
        SessionActivity {
            viewers: viewers.fold(0, |sum, viewers| sum.saturating_add(*viewers)),
            attached: self.is_attached(),
            last_vote_at: self.last_vote_at,
            votes_last_minute: self.applied.total(now),
            limited: self.limited.total(now) > 0,
        }
    }

    /// What it is without an attached instance for at least `age`; `None` if one is attached, or the last left more recently.
    pub(super) fn orphan(&self, age: Duration, now: Timestamp) -> Option<Orphan> {
        let disconnected_at = self.disconnected_at?;
        (now.since(disconnected_at) >= age).then(|| Orphan {
            overlay: self.session.overlay,
            broadcaster: self.session.broadcaster.clone(),
            disconnected_at,
        })
    }

    /// Of momentum, whatever is measured just now.
    fn value_at(&self, now: Timestamp) -> Sentiment {
        self.value.decayed(self.session.settings.settings.decay, now.since(self.changed_at))
    }

    fn set(&mut self, value: Sentiment, now: Timestamp) {
        self.value = value;
        self.changed_at = now;
    }
}
