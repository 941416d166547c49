//! The path of a vote: one function call, which decides everything. Keys, arguments and words as in the library's
//! table.

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{MessageId, OverlayId};
use chatpulse_domain::overlay::SettingsVersion;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::{DecaySpeed, Sentiment};
use chatpulse_domain::side::Side;
use chatpulse_domain::tally::TallyReading;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use tracing::warn;

use crate::call::{Call, Reply};
use crate::error::Failure;
use crate::keys;
use crate::live::RedisLive;
use crate::operation::{CAST, PUSH, READ, RESET};

#[async_trait]
impl VoteStore for RedisLive {
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError> {
        let reply = self.redis.call(CAST, cast(vote, self.limit)).await?;
        let outcome = outcome(&reply).map_err(|failure| failure.during(CAST))?;
        if outcome == VoteOutcome::NoSession {
            self.note_missing_session(vote.overlay);
        }
        Ok(outcome)
    }

    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError> {
        let call = Call::writing("note_seen").keys([keys::seen(overlay, message)]).expiring();
        Ok(self.redis.call(CAST, call).await?.word() == "new")
    }

    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError> {
        let call = Call::writing("push")
            .keys([keys::session(overlay), keys::vote_counts(overlay), keys::tally(overlay)])
            .arg(side.as_str())
            .expiring();
        let reply = self.redis.call(PUSH, call).await?;
        match outcome(&reply).map_err(|failure| failure.during(PUSH))? {
            VoteOutcome::Applied(sentiment) => Ok(Some(sentiment)),
            _ => Ok(None),
        }
    }

    /// In one pipeline. A session with a malformed value reads as none, so that the others are still shown; a
    /// server that refuses says nothing about any of them.
    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError> {
        self.redis.check_refusal().map_err(|failure| failure.during(READ))?;
        let calls = overlays
            .iter()
            .map(|overlay| Call::reading("read").keys([keys::session(*overlay), keys::tally(*overlay)]));
        let replies = self.redis.call_all(READ, calls.collect()).await?;
        let mut readings = Vec::with_capacity(overlays.len());
        for (overlay, reply) in overlays.iter().zip(replies) {
            let read = reply.and_then(|reply| reading(&reply).map_err(|failure| failure.during(READ)));
            readings.push(match read {
                Ok(None) => {
                    self.note_missing_session(*overlay);
                    None
                }
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(%error, "a session cannot be read; the others go on");
                    None
                }
                read => read?,
            });
        }
        Ok(readings)
    }

    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError> {
        let keys = [keys::session(overlay), keys::tally(overlay)];
        let call = Call::writing("reset").keys(keys).expiring();
        Ok(self.redis.call(RESET, call).await?.word() == "done")
    }
}

fn cast(vote: &Vote, limit: Option<BucketLimit>) -> Call {
    let overlay = vote.overlay;
    Call::writing("cast")
        .keys([
            keys::session(overlay),
            keys::seen(overlay, &vote.message),
            keys::debounce(overlay, &vote.chatter),
            keys::rate_limit(overlay),
            keys::vote_counts(overlay),
            keys::tally(overlay),
            keys::voted(overlay, &vote.chatter),
        ])
        .arg(vote.side.as_str())
        .arg(limit.map_or(0, |limit| limit.capacity()))
        .arg(limit.map_or(0, |limit| limit.per_minute()))
        .expiring()
}

fn outcome(reply: &Reply) -> Result<VoteOutcome, Failure> {
    match reply.word() {
        "applied" => Ok(VoteOutcome::Applied(sentiment(reply)?)),
        "debounced" => Ok(VoteOutcome::Debounced),
        "rate_limited" => Ok(VoteOutcome::RateLimited),
        "duplicate" => Ok(VoteOutcome::Duplicate),
        "no_session" => Ok(VoteOutcome::NoSession),
        _ => Err(Failure::Malformed { place: "the answer to a vote" }),
    }
}

fn reading(reply: &Reply) -> Result<Option<Reading>, Failure> {
    if reply.word() != "found" {
        return Ok(None);
    }
    let place = "session.decay_speed";
    let decay = DecaySpeed::new(reply.number(3, place)?).map_err(|_| Failure::Malformed { place })?;
    let age = Duration::from_millis(reply.number(2, "session.last_update")?);
    // An older library says nothing about the version; nobody has seen older settings than none.
    let version = match reply.text(4) {
        "" => SettingsVersion(0),
        _ => SettingsVersion(reply.number(4, "session.config_version")?),
    };
    let tally = match reply.text(5) {
        "share" => {
            let count = |index| reply.number(index, "tally");
            Some(TallyReading { in_favor: count(6)?, against: count(7)? })
        }
        _ => None,
    };
    Ok(Some(Reading { sentiment: sentiment(reply)?, age, decay, version, tally }))
}

fn sentiment(reply: &Reply) -> Result<Sentiment, Failure> {
    reply.number(1, "session.value").map(Sentiment::clamped)
}
