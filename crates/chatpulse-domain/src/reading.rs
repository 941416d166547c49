//! A session's value as a store returns it.

use std::time::Duration;

use crate::overlay::SettingsVersion;
use crate::sentiment::{DecaySpeed, Sentiment};
use crate::tally::TallyReading;

/// A session's value as a store returns it: the last value, its age and how it decays. An age instead of a time, so that
/// readers' clocks need not agree with the store's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The value right after the last change. In share mode: the share now.
    pub sentiment: Sentiment,
    /// Time since the last change.
    pub age: Duration,
    /// The session's decay speed.
    pub decay: DecaySpeed,
    /// The version of the session's settings. A reader that has an older one missed a signal.
    pub version: SettingsVersion,
    /// Votes in the window; `None` in momentum mode. A share does not decay.
    pub tally: Option<TallyReading>,
}

impl Reading {
    /// The value `later` after this reading was taken.
    pub fn after(&self, later: Duration) -> Sentiment {
        match self.tally {
            Some(_) => self.sentiment,
            None => self.sentiment.decayed(self.decay, self.age.saturating_add(later)),
        }
    }
}
