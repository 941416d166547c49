//! One session as the hub shows it: the last reading and the last frame.

use std::time::Duration;

use bytestring::ByteString;
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::tally::TallyReading;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::frame::{Frames, Hundredths, Status, config_frame, value_frame};

/// How long after a vote a session is read often.
const LIVELY_FOR: Duration = Duration::from_mins(1);

pub(crate) struct Shown {
    pub(crate) frames: watch::Sender<Frames>,
    reading: Reading,
    read_at: Instant,
    value: Hundredths,
    status: Status,
    /// When a vote last changed the value, as far as this instance knows. A session that has just begun counts as
    /// idle.
    moved_at: Option<Instant>,
    /// The store was read at least once, successfully or not.
    is_known: bool,
    pub(crate) announced_at: Instant,
}

impl Shown {
    /// Starts at the centre; the first reading arrives before any socket gets a frame.
    pub(crate) fn new(seed: &SessionSeed, now: Instant) -> Self {
        let decay = seed.settings.settings.decay_speed;
        let version = seed.settings.version;
        let tally = (seed.settings.settings.mode == Mode::Share).then(TallyReading::default);
        let reading = Reading { sentiment: Sentiment::CENTRE, age: LIVELY_FOR, decay, version, tally };
        let (shown, status) = (Hundredths::ZERO, Status::Active);
        let (frames, _) = watch::channel(Frames {
            value: value_frame(shown, status, decay, tally),
            value_number: 0,
            config: (version, config_frame(&seed.settings)),
            rotated: false,
        });
        Self {
            frames,
            reading,
            read_at: now,
            value: shown,
            status,
            moved_at: None,
            is_known: false,
            announced_at: now,
        }
    }

    /// Returns true once the store was read, successfully or not.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Returns true if the shown settings are older than `version`.
    pub(crate) fn is_older_than(&self, version: SettingsVersion) -> bool {
        self.frames.borrow().config.0 < version
    }

    /// Returns true if the value changed in the store since it was last read.
    pub(crate) fn is_before(&self, reading: &Reading, now: Instant) -> bool {
        reading.age < now.duration_since(self.read_at)
    }

    /// Applies a reading of the store. Returns true if it sent a new frame.
    pub(crate) fn take(&mut self, reading: Option<Reading>, now: Instant) -> bool {
        let centre = Reading {
            sentiment: Sentiment::CENTRE,
            age: LIVELY_FOR,
            tally: self.reading.tally.map(|_| TallyReading::default()),
            ..self.reading
        };
        let reading = reading.unwrap_or(centre);
        if reading.sentiment != Sentiment::CENTRE || reading.tally.is_some_and(|tally| tally.total() > 0) {
            self.moved_at = now.checked_sub(reading.age);
        }
        let is_other = reading.decay != self.reading.decay || reading.tally != self.reading.tally;
        self.reading = reading;
        self.read_at = now;
        self.show(Status::Active, is_other, now)
    }

    /// Continues from the last reading and marks it as degraded, because the read failed. Returns true if the session
    /// was not degraded before.
    pub(crate) fn degrade(&mut self, now: Instant) -> bool {
        let news = self.status == Status::Active;
        self.show(Status::Degraded, false, now);
        news
    }

    /// Decays the value up to now, without reading the store.
    pub(crate) fn drift(&mut self, now: Instant) {
        self.show(self.status, false, now);
    }

    fn show(&mut self, status: Status, anew: bool, now: Instant) -> bool {
        self.is_known = true;
        let value = Hundredths::of(self.reading.after(now.duration_since(self.read_at)));
        if !anew && value == self.value && status == self.status {
            return false;
        }
        (self.value, self.status, self.announced_at) = (value, status, now);
        let frame = value_frame(value, status, self.reading.decay, self.reading.tally);
        self.frames.send_modify(|frames| {
            frames.value = frame;
            frames.value_number += 1;
        });
        true
    }

    /// Applies saved settings, so that labels change without a reload. Ignores older settings.
    pub(crate) fn configure(&mut self, settings: &VersionedSettings) {
        let frame: ByteString = config_frame(settings);
        self.frames.send_if_modified(|frames| {
            let newer = settings.version > frames.config.0;
            if newer {
                frames.config = (settings.version, frame);
            }
            newer
        });
    }

    /// Returns true if the session has to be read often without signals: its value moves, or somebody voted recently.
    pub(crate) fn is_lively(&self) -> bool {
        let moved_lately = self.moved_at.is_some_and(|at| self.read_at.duration_since(at) < LIVELY_FOR);
        let counts = self.reading.tally.is_some_and(|tally| tally.total() > 0);
        self.value != Hundredths::ZERO || counts || moved_lately || self.status == Status::Degraded
    }

    /// Time since the value last changed in the store.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        self.reading.age + now.duration_since(self.read_at)
    }
}
