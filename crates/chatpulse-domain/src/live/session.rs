//! What exists only while an overlay has a session.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::InstanceId;
use crate::mode::Mode;
use crate::overlay::{OverlaySettings, VersionedSettings};
use crate::reading::Reading;
use crate::sentiment::Sentiment;
use crate::session::{COUNTS_ON_FOR, Orphan, Session, SessionActivity, SessionSeed};
use crate::side::Side;
use crate::tally::TallyReading;
use crate::time::Timestamp;
use crate::token_bucket::{BucketLimit, TokenBucket};
use crate::window::Window;

use super::last_minute::LastMinute;

/// A session: its settings, value, limits, activity and the instances attached to it.
#[derive(Debug)]
pub(super) struct LiveSession {
    session: Session,
    /// The momentum right after the last change.
    value: Sentiment,
    changed_at: Timestamp,
    /// `None` until the first vote, when the bucket is full.
    bucket: Option<TokenBucket>,
    last_vote_at: Option<Timestamp>,
    applied: LastMinute,
    limited: LastMinute,
    /// Number of sockets at each attached instance.
    instances: HashMap<InstanceId, u32>,
    /// When the last instance left.
    disconnected_at: Option<Timestamp>,
}

impl LiveSession {
    /// A session at the centre, without an attached instance.
    pub(super) fn new(seed: &SessionSeed, now: Timestamp) -> Self {
        Self {
            session: Session {
                overlay: seed.overlay,
                broadcaster: seed.broadcaster.clone(),
                settings: Arc::new(seed.settings.clone()),
            },
            value: Sentiment::CENTRE,
            changed_at: now,
            bucket: None,
            last_vote_at: None,
            applied: LastMinute::new(),
            limited: LastMinute::new(),
            instances: HashMap::new(),
            disconnected_at: None,
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn into_session(self) -> Session {
        self.session
    }

    pub(super) fn settings(&self) -> &OverlaySettings {
        &self.session.settings.settings
    }

    /// Takes a token; `false` if there is none. A share cannot be pinned, so its votes need no token.
    pub(super) fn take_token(&mut self, limit: Option<BucketLimit>, now: Timestamp) -> bool {
        let Some(limit) = limit.filter(|_| self.settings().mode == Mode::Momentum) else {
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

    /// Records a vote for [`LiveSession::activity`].
    pub(super) fn note_applied(&mut self, now: Timestamp) {
        self.last_vote_at = Some(now);
        self.applied.add(now);
    }

    /// Decays the momentum to now, then moves it one step to `side`.
    pub(super) fn push(&mut self, side: Side, now: Timestamp) -> Sentiment {
        self.set(self.value_at(now).pushed(side), now);
        self.value
    }

    pub(super) fn set(&mut self, value: Sentiment, now: Timestamp) {
        self.value = value;
        self.changed_at = now;
    }

    /// The momentum, or the share if there is one.
    pub(super) fn read(&self, share: Option<TallyReading>, now: Timestamp) -> Reading {
        Reading {
            sentiment: share.map_or(self.value, TallyReading::sentiment),
            tally: share,
            age: now.since(self.changed_at),
            decay: self.settings().decay_speed,
            version: self.session.settings.version,
        }
    }

    /// Takes newer settings, after the momentum decayed to now at the old speed. Returns whether they were newer.
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

    /// The session, if it is an orphan for at least `age`. A share until reset becomes one only when it no longer counts.
    pub(super) fn orphan(&self, age: Duration, now: Timestamp) -> Option<Orphan> {
        let disconnected_at = self.disconnected_at?;
        let counts_on = self.settings().mode == Mode::Share && self.settings().window() == Window::UntilReset;
        let kept_for = if counts_on { age + COUNTS_ON_FOR } else { age };
        (now.since(disconnected_at) >= kept_for).then(|| Orphan {
            overlay: self.session.overlay,
            broadcaster: self.session.broadcaster.clone(),
            disconnected_at,
        })
    }

    fn value_at(&self, now: Timestamp) -> Sentiment {
        self.value.decayed(self.settings().decay_speed, now.since(self.changed_at))
    }
}
