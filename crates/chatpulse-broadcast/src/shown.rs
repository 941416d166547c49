//! One session as the hub shows it: the last reading, the last frame, and when the next look is due.

use std::time::Duration;

use bytestring::ByteString;
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::sentiment::{Reading, Sentiment};
use chatpulse_domain::session::SessionSeed;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::frame::{Frames, Hundredths, Status, config_frame, value_frame};

/// How often a session that had a vote in the last minute is looked at without a signal.
pub(crate) const LOOK_WHEN_LIVELY: Duration = Duration::from_secs(1);
/// And one that had none.
pub(crate) const LOOK_WHEN_IDLE: Duration = Duration::from_secs(5);
/// For this long after a change a session counts as lively.
const LIVELY_FOR: Duration = Duration::from_mins(1);

pub(crate) struct Shown {
    pub(crate) frames: watch::Sender<Frames>,
    reading: Reading,
    read_at: Instant,
    value: Hundredths,
    status: Status,
    /// When a vote moved it last, as far as we saw. A session that merely began a moment ago is as idle as any.
    moved_at: Option<Instant>,
    looked_at: Instant,
    pub(crate) announced_at: Instant,
}

impl Shown {
    /// Begins at the centre; the first reading follows before anybody sees it.
    pub(crate) fn new(seed: &SessionSeed, now: Instant) -> Self {
        let decay = seed.settings.settings.decay;
        let reading = Reading { sentiment: Sentiment::CENTRE, age: LIVELY_FOR, decay };
        let (shown, status) = (Hundredths::ZERO, Status::Active);
        let (frames, _) = watch::channel(Frames {
            value: value_frame(shown, status, decay),
            value_number: 0,
            config: (seed.settings.version, config_frame(&seed.settings)),
            rotated: false,
        });
        Self {
            frames,
            reading,
            read_at: now,
            value: shown,
            status,
            moved_at: None,
            looked_at: now,
            announced_at: now,
        }
    }

    /// What the store says. Returns true if sockets were told something new.
    pub(crate) fn take(&mut self, reading: Option<Reading>, now: Instant) -> bool {
        let centre = Reading { sentiment: Sentiment::CENTRE, age: LIVELY_FOR, decay: self.reading.decay };
        let reading = reading.unwrap_or(centre);
        if reading.sentiment != Sentiment::CENTRE {
            self.moved_at = now.checked_sub(reading.age);
        }
        let new_decay = reading.decay != self.reading.decay;
        self.reading = reading;
        self.read_at = now;
        self.show(Status::Active, new_decay, now)
    }

    /// The store gave no answer: go on from the last reading, and say so.
    /// Returns true when that is news.
    pub(crate) fn degrade(&mut self, now: Instant) -> bool {
        let news = self.status == Status::Active;
        self.show(Status::Degraded, false, now);
        news
    }

    fn show(&mut self, status: Status, anew: bool, now: Instant) -> bool {
        self.looked_at = now;
        let value = Hundredths::of(self.reading.after(now.duration_since(self.read_at)));
        if !anew && value == self.value && status == self.status {
            return false;
        }
        (self.value, self.status, self.announced_at) = (value, status, now);
        let frame = value_frame(value, status, self.reading.decay);
        self.frames.send_modify(|frames| {
            frames.value = frame;
            frames.value_number += 1;
        });
        true
    }

    /// The streamer saved: labels change without a reload. Older settings change nothing.
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

    /// When to look without being told.
    pub(crate) fn next_look(&self) -> Instant {
        let moved_lately = self.moved_at.is_some_and(|at| self.read_at.duration_since(at) < LIVELY_FOR);
        let lively = self.value != Hundredths::ZERO || moved_lately;
        let every = if lively { LOOK_WHEN_LIVELY } else { LOOK_WHEN_IDLE };
        self.looked_at + every
    }

    /// Time since the value last changed in the store.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        self.reading.age + now.duration_since(self.read_at)
    }
}
