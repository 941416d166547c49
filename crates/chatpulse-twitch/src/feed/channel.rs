//! What one chat needs next: a state machine without I/O and without a clock.
//!
//! Facts go in through [`Channel::apply`]. [`Channel::due_at`] says when there is something to do, and
//! [`Channel::action`] what. What this instance wants and what Twitch delivers are kept apart, so that a lost
//! connection forgets nothing.

use std::time::Duration;

use chatpulse_domain::ids::{ChatterId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::Served;
use chatpulse_domain::subscription::ChatState;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// A refused chat is requested again after this long, or as soon as somebody gives consent.
pub(super) const REFUSED_FOR: Duration = Duration::from_hours(1);

/// After three quick retries (1, 2, 4 s) a chat is requested at this pace.
const RETRY_EVERY: Duration = Duration::from_secs(30);

/// A refusal of another subscription than the one we know may be a late message: it is checked this soon.
const CHECK_REFUSAL_AFTER: Duration = Duration::from_secs(10);

/// One chat, as this instance knows it.
#[derive(Debug)]
pub(super) struct Channel {
    /// The account that reads; `None` until somebody says which.
    bot: Option<ChatterId>,
    want: Want,
    progress: Progress,
    /// A subscription that Twitch ended before its answer to our request for it arrived.
    ended_early: Option<(SubscriptionId, Revocation)>,
    backoff: Backoff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Read,
    StopAt(Instant),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    /// To be requested then.
    Due(Instant),
    Subscribed(SubscriptionId),
    /// Perhaps subscribed, by any instance. The record knows, and is looked up then.
    AsRecorded(Instant),
    /// Twitch does not allow it. Requested again then.
    Refused(Instant),
}

/// What happened to a chat.
#[derive(Debug)]
pub(super) enum Event {
    /// It is to be read by this account.
    Read { bot: ChatterId, served: Served },
    /// Nobody needs it any more.
    Stop,
    /// Something changed at another instance: the subscription may have ended.
    Changed,
    /// Twitch ended a subscription.
    Revoked { id: SubscriptionId, why: Revocation },
    /// Another instance learned that Twitch refuses it.
    RefusedElsewhere,
    /// Somebody gave consent, so that a refusal may no longer hold.
    Consent,
    /// The record says this; `None`: not subscribed on our conduit.
    Recorded(Option<SubscriptionId>),
    /// The record could not be read.
    RecordUnavailable,
    /// Twitch accepted our request.
    Subscribed(SubscriptionId),
    /// Twitch answered our request otherwise.
    NotSubscribed(Failure),
    /// Twitch ended the subscription because we asked.
    Unsubscribed,
    /// Twitch did not.
    NotUnsubscribed,
    /// Twitch's list has this subscription on our conduit, read by this account; `None`: it has none.
    Listed(Option<(SubscriptionId, ChatterId)>),
}

/// Why a request for a chat failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Twitch does not allow it until somebody gives consent (403).
    Refused,
    /// No request is made before then.
    RateLimited(Instant),
    /// A retry may help.
    Temporary,
}

/// What other instances have to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Twitch refuses this chat now.
    Refused,
    /// Twitch refused it before, and does no longer.
    Allowed,
}

/// What is to be done about a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Request it from Twitch.
    Subscribe { bot: ChatterId },
    /// Look up the record.
    LookUpRecord,
    /// End the subscription at Twitch.
    Unsubscribe(SubscriptionId),
    /// Remove it from memory; Twitch is left alone.
    Forget,
}

/// Why Twitch ended a subscription. Source: "Revoking your subscription" in Twitch's webhook guide; statuses
/// of Get `EventSub` Subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Somebody must give consent again, or unban the bot.
    NotAuthorized,
    /// It can simply be created again.
    Recreate,
}

impl Revocation {
    /// From `subscription.status`. An unknown status can do no harm when the subscription is created again.
    pub fn from_status(status: &str) -> Self {
        match status {
            "authorization_revoked" | "user_removed" | "moderator_removed" | "chat_user_banned" => {
                Self::NotAuthorized
            }
            _ => Self::Recreate,
        }
    }
}

impl Channel {
    /// A chat that nobody asked to read, such as one that Twitch refuses.
    pub(super) fn unwanted(bot: Option<ChatterId>, now: Instant) -> Self {
        Self {
            bot,
            want: Want::StopAt(now),
            progress: Progress::Due(now),
            ended_early: None,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(4)).then(RETRY_EVERY),
        }
    }

    /// A chat that another instance may have subscribed.
    pub(super) fn as_recorded(now: Instant) -> Self {
        Self { progress: Progress::AsRecorded(now), ..Self::unwanted(None, now) }
    }

    /// Takes note of what happened. Answers what the other instances have to know of it.
    pub(super) fn apply(&mut self, event: Event, now: Instant) -> Option<Change> {
        match event {
            Event::Read { bot, served } => self.read(bot, served, now),
            Event::Stop => self.want = Want::StopAt(now),
            Event::Changed if self.is_wanted() => self.distrust(now),
            Event::Revoked { id, why } => self.revoke(id, why, now),
            Event::RefusedElsewhere if !self.is_refused() => {
                self.progress = Progress::Refused(now + REFUSED_FOR);
            }
            // Still refused until Twitch says otherwise, but requested right away.
            Event::Consent if self.is_refused() && self.is_wanted() => self.progress = Progress::Refused(now),
            Event::Consent if self.is_refused() => self.progress = Progress::Due(now),
            Event::Recorded(found) if self.is_as_recorded() => {
                self.progress = found.map_or(Progress::Due(now), Progress::Subscribed);
            }
            Event::RecordUnavailable if self.is_as_recorded() => {
                self.progress = Progress::AsRecorded(now + self.backoff.wait());
            }
            Event::Subscribed(id) => return self.subscribed(id, now),
            Event::NotSubscribed(failure) => return self.not_subscribed(failure, now),
            // Requested again if somebody came back meanwhile, else forgotten.
            Event::Unsubscribed => self.progress = Progress::Due(now),
            Event::NotUnsubscribed if !self.is_wanted() => {
                self.want = Want::StopAt(now + self.backoff.wait());
            }
            Event::Listed(found) => self.listed(found, now),
            Event::Changed
            | Event::RefusedElsewhere
            | Event::Consent
            | Event::Recorded(_)
            | Event::RecordUnavailable
            | Event::NotUnsubscribed => {}
        }
        None
    }

    fn read(&mut self, bot: ChatterId, served: Served, now: Instant) {
        match (served, &self.progress) {
            (Served::Here, Progress::Refused(_)) => self.progress = Progress::Refused(now),
            (Served::Here, _) if self.bot.as_ref() != Some(&bot) => self.progress = Progress::Due(now),
            (Served::Here, _) => {}
            (Served::Somewhere, _) => self.distrust(now),
        }
        (self.bot, self.want) = (Some(bot), Want::Read);
    }

    /// Perhaps it is subscribed no longer. A refusal stays.
    fn distrust(&mut self, now: Instant) {
        if let Progress::Subscribed(_) = self.progress {
            self.progress = Progress::AsRecorded(now);
        }
    }

    fn revoke(&mut self, id: SubscriptionId, why: Revocation, now: Instant) {
        let is_late = matches!(&self.progress, Progress::Subscribed(ours) if *ours != id);
        if !matches!(self.progress, Progress::Subscribed(_)) {
            self.ended_early = Some((id, why));
        }
        self.progress = match (why, is_late) {
            (Revocation::NotAuthorized, true) => Progress::Refused(now + CHECK_REFUSAL_AFTER),
            _ => Progress::after(why, now),
        };
    }

    fn subscribed(&mut self, id: SubscriptionId, now: Instant) -> Option<Change> {
        let was_refused = self.is_refused();
        self.progress = match self.ended_early.take() {
            Some((ended, why)) if ended == id => Progress::after(why, now),
            _ => Progress::Subscribed(id),
        };
        self.backoff.reset();
        let is_allowed = matches!(self.progress, Progress::Subscribed(_));
        (was_refused && is_allowed).then_some(Change::Allowed)
    }

    fn not_subscribed(&mut self, failure: Failure, now: Instant) -> Option<Change> {
        self.progress = match failure {
            Failure::Refused => Progress::Refused(now + REFUSED_FOR),
            Failure::RateLimited(until) => Progress::Due(until),
            Failure::Temporary => Progress::Due(now + self.backoff.wait()),
        };
        (failure == Failure::Refused).then_some(Change::Refused)
    }

    fn listed(&mut self, found: Option<(SubscriptionId, ChatterId)>, now: Instant) {
        match (found, &self.progress) {
            // Another instance reads it: that it was refused or ended here is history.
            (Some(_), Progress::Due(_) | Progress::Refused(_)) if !self.is_wanted() => {
                self.progress = Progress::Due(now);
            }
            (Some((id, bot)), _) if self.bot.as_ref() == Some(&bot) => {
                self.progress = Progress::Subscribed(id);
            }
            (_, Progress::Subscribed(_)) => self.progress = Progress::Due(now),
            (_, Progress::Due(_) | Progress::AsRecorded(_) | Progress::Refused(_)) => {}
        }
    }

    /// When there is something to do.
    pub(super) fn due_at(&self) -> Option<Instant> {
        match (self.want, &self.progress) {
            // A refusal is remembered until it would be requested again.
            (Want::Read, Progress::Due(at) | Progress::AsRecorded(at)) | (_, Progress::Refused(at)) => {
                Some(*at)
            }
            (Want::Read, Progress::Subscribed(_)) => None,
            (Want::StopAt(at), Progress::Subscribed(_) | Progress::Due(_)) => Some(at),
            (Want::StopAt(stop_at), Progress::AsRecorded(at)) => Some(stop_at.max(*at)),
        }
    }

    /// What to do now. An instance that does not lead leaves it to the leader to make Twitch stop.
    pub(super) fn action(&self, is_leader: bool, now: Instant) -> Option<Action> {
        if self.due_at().is_none_or(|at| at > now) {
            return None;
        }
        match (self.want, &self.progress) {
            (Want::Read, Progress::Due(_) | Progress::Refused(_)) => {
                self.bot.clone().map(|bot| Action::Subscribe { bot })
            }
            (Want::Read, Progress::Subscribed(_)) => None,
            (Want::StopAt(_), Progress::Due(_) | Progress::Refused(_)) => Some(Action::Forget),
            (Want::StopAt(_), _) if !is_leader => Some(Action::Forget),
            (_, Progress::AsRecorded(_)) => Some(Action::LookUpRecord),
            (Want::StopAt(_), Progress::Subscribed(id)) => Some(Action::Unsubscribe(id.clone())),
        }
    }

    /// What its connection is doing, given whether Twitch delivers to this instance's shard; `None`: the record knows.
    pub(super) fn state(&self, is_shard_enabled: bool) -> Option<ChatState> {
        match (self.want, &self.progress) {
            (_, Progress::Refused(_)) => Some(ChatState::NotAuthorized),
            (Want::StopAt(_), _) => None,
            (Want::Read, Progress::Subscribed(_)) if is_shard_enabled => Some(ChatState::Reading),
            (Want::Read, Progress::AsRecorded(_)) if is_shard_enabled => None,
            (Want::Read, _) => Some(ChatState::Connecting),
        }
    }

    pub(super) fn bot(&self) -> Option<&ChatterId> {
        self.bot.as_ref()
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.want == Want::Read
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.progress, Progress::Refused(_))
    }

    fn is_as_recorded(&self) -> bool {
        matches!(self.progress, Progress::AsRecorded(_))
    }
}

impl Progress {
    /// Where a chat stands whose subscription Twitch ended.
    fn after(why: Revocation, now: Instant) -> Self {
        match why {
            Revocation::NotAuthorized => Self::Refused(now + REFUSED_FOR),
            Revocation::Recreate => Self::Due(now),
        }
    }
}

#[cfg(test)]
mod tests;
