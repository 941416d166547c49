//! One channel: ask Twitch for its chat, or stop reading it.

use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId, TwitchUserId};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::subscription::ChatSubscription;
use tokio::time::Instant;
use tracing::{info, warn};

use super::worker::FeedWorker;
use super::{Progress, REFUSED_FOR, Want};
use crate::error::TwitchError;

/// A real rate limit: Twitch's bucket refills within the minute.
const RATE_LIMITED_FOR: Duration = Duration::from_secs(30);

impl FeedWorker {
    pub(super) async fn keep_channel(&mut self, conduit: &ConduitId, broadcaster: &ChannelId) {
        // Looked at again, right before anything is done: the streamer may be back, or gone.
        let (want, progress, reader) = {
            let state = self.feed.lock();
            let Some(channel) = state.channels.get(broadcaster) else {
                return;
            };
            (channel.want, channel.progress.clone(), channel.reader.clone())
        };
        match (want, progress) {
            (Want::Read, Progress::Due(_) | Progress::Refused(_)) => {
                self.start_reading(conduit, ChatChannel { broadcaster: broadcaster.clone(), reader }).await;
            }
            (Want::StopAt(at), Progress::Subscribed(id)) if at <= Instant::now() => {
                self.stop_reading(broadcaster, &id).await;
            }
            (_, Progress::AsRecorded(at)) if at <= Instant::now() => {
                self.look_at_record(conduit, broadcaster).await;
            }
            (Want::StopAt(at), Progress::Due(_)) | (Want::StopAt(_), Progress::Refused(at))
                if at <= Instant::now() =>
            {
                self.feed.lock().channels.remove(broadcaster);
            }
            _ => {}
        }
    }

    /// From now on it is known here whether it is subscribed; what is to be done about it comes next.
    async fn look_at_record(&self, conduit: &ConduitId, broadcaster: &ChannelId) {
        let found = self.records.find(broadcaster).await;
        let mut state = self.feed.lock();
        let Some(channel) = state.channels.get_mut(broadcaster) else {
            return;
        };
        if !matches!(channel.progress, Progress::AsRecorded(_)) {
            return;
        }
        channel.progress = match found {
            Ok(Some(record)) if record.conduit == *conduit => Progress::Subscribed(record.id),
            Ok(_) => Progress::Due(Instant::now()),
            Err(error) => {
                warn!(%error, "whether a chat is subscribed could not be seen; trying again");
                Progress::AsRecorded(Instant::now() + channel.backoff.wait())
            }
        };
    }

    async fn start_reading(&mut self, conduit: &ConduitId, channel: ChatChannel) {
        let asked = match self.helix.subscribe(conduit, &channel).await {
            Err(TwitchError::Conflict { existing }) => {
                self.settle_conflict(conduit, &channel, existing).await
            }
            asked => asked,
        };
        let result = match &asked {
            Ok(_) => "success",
            Err(TwitchError::Conflict { .. }) => "conflict",
            Err(TwitchError::Forbidden(_)) => "forbidden",
            Err(TwitchError::RateLimited) => "rate_limited",
            Err(_) => "error",
        };
        metrics::counter!("eventsub_subscribe_attempts_total", "result" => result).increment(1);
        let broadcaster = &channel.broadcaster;
        match asked {
            Ok(id) => {
                info!(broadcaster.id = %broadcaster, "reading the chat of {broadcaster}");
                self.note_subscribed(broadcaster, &id);
                self.record(ChatSubscription {
                    id,
                    conduit: conduit.clone(),
                    broadcaster: channel.broadcaster,
                    reader: channel.reader,
                })
                .await;
            }
            Err(error) => {
                if matches!(error, TwitchError::RateLimited) {
                    self.paused_until = Instant::now() + RATE_LIMITED_FOR;
                }
                self.note_failed(broadcaster, &error);
            }
        }
    }

    /// Twitch has a subscription like it. If it delivers to our conduit it is the one; otherwise it is of no use,
    /// and only one may exist.
    async fn settle_conflict(
        &self,
        conduit: &ConduitId,
        channel: &ChatChannel,
        existing: Option<String>,
    ) -> Result<SubscriptionId, TwitchError> {
        let found = if let Some(id) = existing {
            self.helix.subscription(&id).await?
        } else {
            let reader = Some(channel.reader.as_str());
            let mut all = self.helix.subscriptions_of(&channel.broadcaster).await?;
            all.retain(|listed| listed.status == "enabled" && listed.condition.user_id.as_deref() == reader);
            all.iter().find(|listed| listed.is_live_on(conduit)).cloned().or_else(|| all.pop())
        };
        let Some(found) = found else {
            return Err(TwitchError::Conflict { existing: None });
        };
        let id = SubscriptionId::new(&found.id).map_err(TwitchError::malformed)?;
        if found.is_live_on(conduit) {
            return Ok(id);
        }
        self.helix.unsubscribe(&id).await?;
        self.helix.subscribe(conduit, channel).await
    }

    fn note_subscribed(&self, broadcaster: &ChannelId, id: &SubscriptionId) {
        if let Some(channel) = self.feed.lock().channels.get_mut(broadcaster) {
            let subscribed = match channel.ended_early.take() {
                Some((ended, why)) if ended == *id => Progress::after(why),
                _ => Progress::Subscribed(id.clone()),
            };
            let before = std::mem::replace(&mut channel.progress, subscribed);
            if let (Progress::Refused(_), Progress::Subscribed(_)) = (before, &channel.progress) {
                // Others were told that it is refused.
                if let Some(streamer) = TwitchUserId::of_channel(broadcaster) {
                    self.signals.publish(Signal::ConsentGiven(streamer));
                }
            }
            channel.backoff.reset();
        }
    }

    fn note_failed(&self, broadcaster: &ChannelId, error: &TwitchError) {
        let mut state = self.feed.lock();
        let Some(channel) = state.channels.get_mut(broadcaster) else {
            return;
        };
        let now = Instant::now();
        channel.progress = match error {
            TwitchError::Forbidden(_) => Progress::Refused(now + REFUSED_FOR),
            TwitchError::RateLimited => Progress::Due(self.paused_until),
            _ => Progress::Due(now + channel.backoff.wait()),
        };
        drop(state);
        if matches!(error, TwitchError::Forbidden(_)) {
            self.signals.publish(Signal::ChatRefused(broadcaster.clone()));
            warn!(broadcaster.id = %broadcaster, %error, "the chat of {broadcaster} may not be read: the streamer must log in again, or unban the bot");
        } else {
            warn!(broadcaster.id = %broadcaster, %error, "the chat of {broadcaster} is not read yet; trying again");
        }
    }

    async fn stop_reading(&self, broadcaster: &ChannelId, id: &SubscriptionId) {
        if !self.leadership.is_leader().await {
            // Whoever leads now stops it, if nobody needs it.
            self.feed.lock().channels.remove(broadcaster);
            return;
        }
        if let Err(error) = self.helix.unsubscribe(id).await {
            warn!(broadcaster.id = %broadcaster, %error, "a chat that nobody needs is still subscribed; trying again");
            let mut state = self.feed.lock();
            if let Some(channel) = state.channels.get_mut(broadcaster)
                && let Want::StopAt(_) = channel.want
            {
                channel.want = Want::StopAt(Instant::now() + channel.backoff.wait());
            }
            return;
        }
        info!(broadcaster.id = %broadcaster, "stopped reading the chat of {broadcaster}");
        {
            let mut state = self.feed.lock();
            match state.channels.get_mut(broadcaster) {
                // Wanted again while Twitch was asked to stop.
                Some(channel) if channel.want == Want::Read => {
                    channel.progress = Progress::Due(Instant::now());
                }
                _ => drop(state.channels.remove(broadcaster)),
            }
        }
        if let Err(error) = self.records.delete(broadcaster, id).await {
            warn!(%error, "the record of an ended subscription stays for now");
        }
        // Whoever serves it after all, or missed that nobody does, looks again.
        self.signals.publish(Signal::SessionChanged(broadcaster.clone()));
    }

    pub(super) async fn record(&self, subscription: ChatSubscription) {
        if let Err(error) = self.records.put(&subscription).await {
            warn!(%error, "a subscription could not be recorded; the next reconciliation finds it at Twitch");
        }
    }
}
