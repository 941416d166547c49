use async_trait::async_trait;
use chatpulse_domain::ids::{MessageId, OverlayId};
use chatpulse_domain::mode::Mode;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::side::Side;
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::token_bucket::{BucketLimit, TokenBucket};
use chatpulse_domain::vote::{DEBOUNCE, SEEN_FOR, Vote, VoteOutcome};

use super::{FakeLive, State};

#[async_trait]
impl VoteStore for FakeLive {
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError> {
        let (mut state, now) = self.enter("cast a vote")?;
        Ok(state.cast(vote, self.limit, now))
    }

    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter("note a message")?;
        let was_seen = state
            .seen
            .iter()
            .any(|(known, seen, at)| *known == overlay && seen == message && now.since(*at) < SEEN_FOR);
        if !was_seen {
            state.seen.push((overlay, message.clone(), now));
        }
        Ok(!was_seen)
    }

    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError> {
        let (mut state, now) = self.enter("push the bar")?;
        Ok(state.session(overlay).map(|live| live.push(None, side, now)))
    }

    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError> {
        let (mut state, now) = self.enter("read the bars")?;
        let readings = overlays.iter().map(|overlay| state.session(*overlay).map(|live| live.reading(now)));
        Ok(readings.collect())
    }

    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError> {
        let (mut state, now) = self.enter("reset the bar")?;
        state.tallies.retain(|(kept, _)| *kept != overlay);
        let session = state.session(overlay);
        Ok(session.map(|live| live.reset(now)).is_some())
    }
}

impl State {
    fn cast(&mut self, vote: &Vote, limit: Option<BucketLimit>, now: Timestamp) -> VoteOutcome {
        if self.session(vote.overlay).is_none() {
            return VoteOutcome::NoSession;
        }
        if self.was_seen(vote, now) {
            return VoteOutcome::Duplicate;
        }
        self.seen.push((vote.overlay, vote.message.clone(), now));
        if self.is_debounced(vote, now) {
            return VoteOutcome::Debounced;
        }
        let live = self.session(vote.overlay).unwrap();
        let is_share = live.session.settings.settings.mode == Mode::Share;
        if let Some(limit) = limit.filter(|_| !is_share) {
            let bucket = live.bucket.unwrap_or_else(|| TokenBucket::full(limit, now));
            let Some(left) = bucket.refilled(limit, now).take() else {
                live.limited.push(now);
                return VoteOutcome::RateLimited;
            };
            live.bucket = Some(left);
        }
        let value = live.push(Some(&vote.chatter), vote.side, now);
        self.debounced.push((vote.overlay, vote.chatter.clone(), now));
        VoteOutcome::Applied(value)
    }

    fn was_seen(&self, vote: &Vote, now: Timestamp) -> bool {
        self.seen.iter().any(|(overlay, message, at)| {
            *overlay == vote.overlay && *message == vote.message && now.since(*at) < SEEN_FOR
        })
    }

    fn is_debounced(&self, vote: &Vote, now: Timestamp) -> bool {
        self.debounced.iter().any(|(overlay, chatter, at)| {
            *overlay == vote.overlay && *chatter == vote.chatter && now.since(*at) < DEBOUNCE
        })
    }
}
