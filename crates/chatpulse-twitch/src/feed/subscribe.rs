//! Makes Twitch's subscriptions equal to the chats that this instance wants, one chat after the other.
//!
//! Read [`Subscriber::run_due`]. What is to be done about a chat is decided by [`super::channel`]; Twitch's list is
//! compared in [`super::reconcile`].

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatSubscription;
use tokio::time::Instant;
use tracing::{info, warn};

use super::TwitchFeed;
use super::channel::{Action, Event, Failure};
use crate::error::TwitchError;
use crate::helix::conduits::ENABLED;
use crate::helix::subscriptions::SubscriptionApi;

/// After a real rate limit: Twitch's bucket refills within the minute.
const RATE_LIMITED_FOR: Duration = Duration::from_secs(30);

/// How often our subscriptions are compared with Twitch's list.
const RECONCILE_EVERY: Duration = Duration::from_mins(10);

/// After Twitch ended something: its message, or one about another subscription, may have been late.
const RECONCILE_SOON: Duration = Duration::from_secs(10);

/// After a comparison that failed, and at most so often because many chats are due at once.
const RECONCILE_AGAIN: Duration = Duration::from_secs(30);

/// So many chats that are due are worth a look at Twitch's list: a page of it says as much as a hundred requests.
const MANY: usize = 20;

/// Subscribes and unsubscribes.
pub(super) struct Subscriber {
    pub(super) feed: TwitchFeed,
    pub(super) api: Arc<dyn SubscriptionApi>,
    pub(super) records: Arc<dyn SubscriptionRepository>,
    pub(super) leadership: Arc<dyn Leadership>,
    reconcile_at: Instant,
    reconciled_at: Option<Instant>,
    /// Out of points: all our requests share one bucket, so none is made before.
    paused_until: Instant,
}

impl Subscriber {
    pub(super) fn new(
        feed: TwitchFeed,
        api: Arc<dyn SubscriptionApi>,
        records: Arc<dyn SubscriptionRepository>,
        leadership: Arc<dyn Leadership>,
    ) -> Self {
        let now = Instant::now();
        Self { feed, api, records, leadership, reconcile_at: now, reconciled_at: None, paused_until: now }
    }

    /// Does whatever is due, unless something else is more pressing.
    pub(super) async fn run_due(&mut self, conduit: &ConduitId) {
        if !self.has_time() {
            return;
        }
        let mut due = self.due();
        let are_many = due.len() > MANY && self.reconciled_at.is_none_or(|at| at.elapsed() > RECONCILE_AGAIN);
        if are_many || self.reconcile_at <= Instant::now() {
            let is_done = self.reconcile(conduit).await;
            self.reconciled_at = Some(Instant::now());
            self.reconcile_at = Instant::now() + if is_done { RECONCILE_EVERY } else { RECONCILE_AGAIN };
            due = self.due();
        }
        for broadcaster in due {
            if !self.has_time() {
                return;
            }
            self.act(conduit, &broadcaster).await;
        }
    }

    /// When something is due next, if nothing else happens.
    pub(super) fn next_at(&self) -> Instant {
        let channels = self.feed.lock().channels.next_due_at();
        channels.map_or(self.reconcile_at, |at| at.min(self.reconcile_at)).max(self.paused_until)
    }

    pub(super) fn reconcile_now(&mut self) {
        self.reconcile_at = Instant::now();
    }

    pub(super) fn reconcile_soon(&mut self) {
        self.reconcile_at = self.reconcile_at.min(Instant::now() + RECONCILE_SOON);
    }

    /// Other instances wait to hear what Twitch ended, and without points nothing is requested.
    fn has_time(&self) -> bool {
        let state = self.feed.lock();
        !state.shard.is_pressing() && state.ended.is_empty() && self.paused_until <= Instant::now()
    }

    fn due(&self) -> Vec<ChannelId> {
        self.feed.lock().channels.due(Instant::now())
    }

    async fn act(&mut self, conduit: &ConduitId, broadcaster: &ChannelId) {
        let is_leader = self.leadership.is_leader().await;
        // Decided right before it is done: the streamer may be back, or gone.
        let action = self.feed.lock().channels.action(broadcaster, is_leader, Instant::now());
        match action {
            Some(Action::Subscribe { bot }) => {
                self.subscribe(conduit, ChatChannel { broadcaster: broadcaster.clone(), bot }).await;
            }
            Some(Action::LookUpRecord) => self.look_up_record(conduit, broadcaster).await,
            Some(Action::Unsubscribe(id)) => self.unsubscribe(broadcaster, &id).await,
            Some(Action::Forget) => self.feed.lock().channels.forget(broadcaster),
            None => {}
        }
    }

    async fn look_up_record(&self, conduit: &ConduitId, broadcaster: &ChannelId) {
        let event = match self.records.find(broadcaster).await {
            Ok(found) => {
                Event::Recorded(found.filter(|record| record.conduit == *conduit).map(|record| record.id))
            }
            Err(error) => {
                warn!(%error, "failed to look up whether a chat is subscribed; trying again");
                Event::RecordUnavailable
            }
        };
        self.feed.apply(broadcaster, event);
    }

    async fn subscribe(&mut self, conduit: &ConduitId, channel: ChatChannel) {
        let answer = match self.api.subscribe(conduit, &channel).await {
            Err(TwitchError::Conflict { existing }) => {
                self.resolve_conflict(conduit, &channel, existing).await
            }
            answer => answer,
        };
        count_attempt(&answer);
        let broadcaster = channel.broadcaster.clone();
        match answer {
            Ok(id) => {
                info!(broadcaster.id = %broadcaster, "reading the chat of {broadcaster}");
                self.feed.apply(&broadcaster, Event::Subscribed(id.clone()));
                let ChatChannel { broadcaster, bot } = channel;
                self.record(ChatSubscription { id, conduit: conduit.clone(), broadcaster, bot }).await;
            }
            Err(error @ TwitchError::Forbidden(_)) => {
                self.feed.apply(&broadcaster, Event::NotSubscribed(Failure::Refused));
                warn!(broadcaster.id = %broadcaster, %error, "not allowed to read the chat of {broadcaster}: the streamer must log in again, or unban the bot");
            }
            Err(error) => {
                let mut failure = Failure::Temporary;
                if matches!(error, TwitchError::RateLimited) {
                    self.paused_until = Instant::now() + RATE_LIMITED_FOR;
                    failure = Failure::RateLimited(self.paused_until);
                }
                self.feed.apply(&broadcaster, Event::NotSubscribed(failure));
                warn!(broadcaster.id = %broadcaster, %error, "not reading the chat of {broadcaster} yet; trying again");
            }
        }
    }

    /// Twitch has a subscription like it, and only one may exist. It is ours if it delivers to our conduit; otherwise
    /// it is replaced.
    async fn resolve_conflict(
        &self,
        conduit: &ConduitId,
        channel: &ChatChannel,
        existing: Option<String>,
    ) -> Result<SubscriptionId, TwitchError> {
        let found = if let Some(id) = existing {
            self.api.subscription(&id).await?
        } else {
            let bot = Some(channel.bot.own());
            let mut all = self.api.subscriptions_of(&channel.broadcaster).await?;
            all.retain(|listed| listed.status == ENABLED && listed.condition.user_id.as_deref() == bot);
            all.iter().find(|listed| listed.is_live_on(conduit)).cloned().or_else(|| all.pop())
        };
        let Some(found) = found else {
            return Err(TwitchError::Conflict { existing: None });
        };
        let id = SubscriptionId::new(&found.id).map_err(TwitchError::malformed)?;
        if found.is_live_on(conduit) {
            return Ok(id);
        }
        self.api.unsubscribe(&id).await?;
        self.api.subscribe(conduit, channel).await
    }

    async fn unsubscribe(&self, broadcaster: &ChannelId, id: &SubscriptionId) {
        if let Err(error) = self.api.unsubscribe(id).await {
            warn!(broadcaster.id = %broadcaster, %error, "failed to stop reading a chat that nobody needs; trying again");
            return self.feed.apply(broadcaster, Event::NotUnsubscribed);
        }
        info!(broadcaster.id = %broadcaster, "stopped reading the chat of {broadcaster}");
        self.feed.apply(broadcaster, Event::Unsubscribed);
        if let Err(error) = self.records.delete(broadcaster, id).await {
            warn!(%error, "failed to delete the record of an ended subscription; the next reconciliation does");
        }
        // An instance that serves it after all looks up the record again.
        self.feed.shared.signals.publish(Signal::SessionChanged(broadcaster.clone()));
    }

    pub(super) async fn record(&self, subscription: ChatSubscription) {
        if let Err(error) = self.records.put(&subscription).await {
            warn!(%error, "failed to record a subscription; the next reconciliation finds it at Twitch");
        }
    }
}

fn count_attempt(answer: &Result<SubscriptionId, TwitchError>) {
    let result = match answer {
        Ok(_) => "success",
        Err(TwitchError::Conflict { .. }) => "conflict",
        Err(TwitchError::Forbidden(_)) => "forbidden",
        Err(TwitchError::RateLimited) => "rate_limited",
        Err(_) => "error",
    };
    metrics::counter!("eventsub_subscribe_attempts_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests;
