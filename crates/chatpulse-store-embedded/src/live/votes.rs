//! The path of a vote: [`State::cast`], every early return one outcome.

use async_trait::async_trait;
use chatpulse_domain::ids::{MessageId, OverlayId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::side::Side;
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{Vote, VoteOutcome};

use super::{MemoryLive, State};

#[async_trait]
impl VoteStore for MemoryLive {
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError> {
        let (mut state, now) = self.enter();
        Ok(state.cast(vote, self.limit, now))
    }

    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        let message = (overlay, message.clone());
        let is_new = !state.seen.contains(&message, now);
        if is_new {
            state.seen.note(message, now);
        }
        Ok(is_new)
    }

    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError> {
        let (mut state, now) = self.enter();
        let session = state.sessions.get_mut(&overlay);
        Ok(session.map(|session| session.push(None, side, now)))
    }

    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError> {
        let (state, now) = self.enter();
        let sessions = overlays.iter().map(|overlay| state.sessions.get(overlay));
        Ok(sessions.map(|session| session.map(|session| session.reading(now))).collect())
    }

    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter();
        state.tallies.remove(&overlay);
        let Some(session) = state.sessions.get_mut(&overlay) else {
            return Ok(false);
        };
        session.reset(now);
        Ok(true)
    }
}

impl State {
    /// "Seen" is noted first, whatever comes after; token and debounce are spent last, by a vote that counts.
    fn cast(&mut self, vote: &Vote, limit: Option<BucketLimit>, now: Timestamp) -> VoteOutcome {
        let Some(session) = self.sessions.get_mut(&vote.overlay) else {
            return VoteOutcome::NoSession;
        };
        let message = (vote.overlay, vote.message.clone());
        if self.seen.contains(&message, now) {
            return VoteOutcome::Duplicate;
        }
        self.seen.note(message, now);
        let chatter = (vote.overlay, vote.chatter.clone());
        if self.debounced.contains(&chatter, now) {
            return VoteOutcome::Debounced;
        }
        if !session.take_token(limit, now) {
            return VoteOutcome::RateLimited;
        }
        self.debounced.note(chatter, now);
        VoteOutcome::Applied(session.push(Some(&vote.chatter), vote.side, now))
    }
}
