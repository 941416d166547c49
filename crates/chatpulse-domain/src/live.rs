//! The live state of one overlay and the rules of a vote. Pure: the time is an argument of every call.
//!
//! Start with [`LiveOverlay::cast`]. Process memory stores one [`LiveOverlay`] per overlay. Redis has the same rules in
//! `lua/votes.lua`; a test runs both with the same random steps.

use std::time::Duration;

use crate::ids::{ChatterId, InstanceId, MessageId};
use crate::mode::Mode;
use crate::overlay::VersionedSettings;
use crate::reading::Reading;
use crate::sentiment::Sentiment;
use crate::session::{Orphan, Session, SessionActivity, SessionSeed};
use crate::side::Side;
use crate::tally::{TallyReading, WindowedTally};
use crate::time::Timestamp;
use crate::token_bucket::BucketLimit;
use crate::vote::{DEBOUNCE, SEEN_FOR, Vote, VoteOutcome};

use recent::Recent;
use session::LiveSession;

mod last_minute;
mod recent;
mod session;
#[cfg(test)]
mod tests;

/// The session of one overlay, if it has one, and what is remembered of its votes beyond that session.
///
/// Starts without a session; only [`LiveOverlay::attach`] creates one.
#[derive(Debug)]
pub struct LiveOverlay {
    session: Option<LiveSession>,
    /// A message counts once, also when it is delivered again after the overlay was reopened.
    seen: Recent<MessageId>,
    debounced: Recent<ChatterId>,
    /// Votes in share mode; `None` before the first. A tally until reset continues when the overlay is reopened.
    tally: Option<WindowedTally>,
}

impl Default for LiveOverlay {
    fn default() -> Self {
        Self { session: None, seen: Recent::new(SEEN_FOR), debounced: Recent::new(DEBOUNCE), tally: None }
    }
}

/// Votes.
impl LiveOverlay {
    /// Counts one chat vote. Every vote that finds a session is remembered as seen; only a vote that is applied starts the
    /// chatter's debounce and takes a token.
    pub fn cast(&mut self, vote: &Vote, limit: Option<BucketLimit>, now: Timestamp) -> VoteOutcome {
        let Some(session) = &mut self.session else {
            return VoteOutcome::NoSession;
        };
        if self.seen.contains(&vote.message, now) {
            return VoteOutcome::Duplicate;
        }
        self.seen.note(vote.message.clone(), now);
        if self.debounced.contains(&vote.chatter, now) {
            return VoteOutcome::Debounced;
        }
        if !session.take_token(limit, now) {
            return VoteOutcome::RateLimited;
        }
        self.debounced.note(vote.chatter.clone(), now);
        VoteOutcome::Applied(apply(session, &mut self.tally, Some(&vote.chatter), vote.side, now))
    }

    /// Remembers a message that is no vote. Returns whether it is new. Needs no session.
    pub fn note_seen(&mut self, message: &MessageId, now: Timestamp) -> bool {
        let is_new = !self.seen.contains(message, now);
        if is_new {
            self.seen.note(message.clone(), now);
        }
        is_new
    }

    /// Applies one synthetic vote, without debounce and token bucket. `None` without a session.
    pub fn push(&mut self, side: Side, now: Timestamp) -> Option<Sentiment> {
        let session = self.session.as_mut()?;
        Some(apply(session, &mut self.tally, None, side, now))
    }

    /// The value now; `None` without a session.
    pub fn read(&self, now: Timestamp) -> Option<Reading> {
        let session = self.session.as_ref()?;
        let window = session.settings().window();
        let tally = self.tally.as_ref().filter(|tally| tally.is_over(window));
        let share = || tally.map_or_else(TallyReading::default, |tally| tally.read(now));
        Some(session.read((session.settings().mode == Mode::Share).then(share), now))
    }

    /// Moves the bar to the centre and empties the tally. Returns whether there is a session.
    pub fn reset(&mut self, now: Timestamp) -> bool {
        self.tally = None;
        let session = self.session.as_mut();
        session.map(|session| session.set(Sentiment::CENTRE, now)).is_some()
    }
}

/// The session.
impl LiveOverlay {
    /// Records that `instance` serves the overlay to `viewers` sockets. Creates the session if there is none; otherwise
    /// newer settings replace the session's.
    pub fn attach(&mut self, seed: &SessionSeed, instance: &InstanceId, viewers: u32, now: Timestamp) {
        let session = self.session.get_or_insert_with(|| LiveSession::new(seed, now));
        session.put_settings(&seed.settings, now);
        session.attach(instance, viewers);
    }

    /// Detaches `instance`. When the last one leaves, the session becomes an orphan.
    pub fn release(&mut self, instance: &InstanceId, now: Timestamp) {
        if let Some(session) = &mut self.session {
            session.release(instance, now);
        }
    }

    /// Replaces the session's settings if these are newer. Returns whether it did.
    pub fn put_settings(&mut self, settings: &VersionedSettings, now: Timestamp) -> bool {
        self.session.as_mut().is_some_and(|session| session.put_settings(settings, now))
    }

    /// The session, if there is one.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref().map(LiveSession::session)
    }

    /// The session, if an instance is attached to it.
    pub fn attached_session(&self) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.is_attached()).map(LiveSession::session)
    }

    /// What the dashboard shows; `None` without a session.
    pub fn activity(&self, now: Timestamp) -> Option<SessionActivity> {
        self.session.as_ref().map(|session| session.activity(now))
    }

    /// The session, if no instance has been attached to it for at least `age`, or for a share until reset, for at least
    /// [`crate::session::COUNTS_ON_FOR`] and `age`.
    pub fn orphan(&self, age: Duration, now: Timestamp) -> Option<Orphan> {
        self.session.as_ref().and_then(|session| session.orphan(age, now))
    }

    /// Deletes the session if it is an orphan, and keeps its tally for the next one.
    pub fn delete_orphan(&mut self, age: Duration, now: Timestamp) -> Option<Orphan> {
        let orphan = self.orphan(age, now)?;
        self.session = None;
        Some(orphan)
    }

    /// Deletes and returns the session. Its tally goes too: the overlay's URL is no longer valid.
    pub fn delete(&mut self) -> Option<Session> {
        self.tally = None;
        self.session.take().map(LiveSession::into_session)
    }

    /// Whether there is no session and nothing to remember, so that this can be dropped.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        // Every debounced vote was seen too, and that is remembered for longer.
        let remembers_nothing =
            self.seen.is_over(now) && self.tally.as_ref().is_none_or(|tally| tally.has_ended(now));
        self.session.is_none() && remembers_nothing
    }
}

/// Momentum: decay to now, then one step to the side. Share: one vote more in the tally; a vote without a chatter replaces
/// none.
fn apply(
    session: &mut LiveSession,
    tally: &mut Option<WindowedTally>,
    chatter: Option<&ChatterId>,
    side: Side,
    now: Timestamp,
) -> Sentiment {
    session.note_applied(now);
    let settings = session.settings();
    let (window, one_vote_each) = (settings.window(), settings.one_vote_each);
    match settings.mode {
        Mode::Momentum => session.push(side, now),
        Mode::Share => {
            // Momentum starts at the centre when the streamer changes the mode back.
            session.set(Sentiment::CENTRE, now);
            tally.take_if(|tally| !tally.is_over(window));
            let tally = tally.get_or_insert_with(|| WindowedTally::new(window, now));
            tally.count(chatter.filter(|_| one_vote_each), side, now).sentiment()
        }
    }
}
