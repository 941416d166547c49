//! Our subscriptions against Twitch's list, which is the truth. Only what delivers to our conduit is touched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ChatterId, ConduitId, InvalidId, Platform, SubscriptionId};
use chatpulse_domain::ports::chat_feed::ChatFeed as _;
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::subscription::ChatSubscription;
use tokio::time::Instant;
use tracing::{info, warn};

use super::worker::FeedWorker;
use super::{Channel, Progress, Want};
use crate::error::TwitchError;
use crate::eventsub::event::{AUTHORIZATION_REVOKED, SHARD_DISABLED};
use crate::helix::ListedSubscription;

/// Refusals that are told in one go: far fewer than a listener may lag behind.
const TOLD_AT_ONCE: usize = 100;
const BETWEEN_TOLD: Duration = Duration::from_millis(10);

impl FeedWorker {
    /// False if it could not be done; it is tried again soon.
    pub(super) async fn reconcile(&mut self, conduit: &ConduitId) -> bool {
        if matches!(self.records.conduit().await, Ok(Some(stored)) if stored != *conduit) {
            info!("another instance has made another conduit; that one is ours from now on");
            self.feed.assign_again();
            return true;
        }
        // Before Twitch's list: what is recorded meanwhile is no mistake.
        let (recorded, listed) = match (self.records.all().await, self.helix.subscriptions_on(conduit).await)
        {
            (Ok(recorded), Ok(listed)) => (recorded, listed),
            (Err(error), _) => {
                warn!(%error, "subscriptions are not compared with Twitch's list this time");
                return false;
            }
            (_, Err(error)) => {
                warn!(%error, "subscriptions are not compared with Twitch's list this time");
                return false;
            }
        };
        let (live, surplus) = sort(&listed, conduit, |broadcaster| self.reader_of(broadcaster));
        self.adopt(&live);
        if !self.leadership.is_leader().await {
            return true;
        }
        self.feed.tell_refusals();
        self.hear_of_more_than_chat(conduit, &listed).await;
        self.correct_records(conduit, recorded, live).await;
        for id in surplus {
            info!(subscription.id = %id, "a second subscription for the same chat is removed");
            if let Err(error) = self.helix.unsubscribe(&id).await {
                warn!(%error, "a second subscription for the same chat is still there");
            }
        }
        true
    }

    /// For instances that were started since, or missed the word.
    pub(super) async fn tell_refusals(&self) {
        // Whoever leads next answers what nobody did.
        if !self.feed.lock().are_refusals_asked || !self.leadership.is_leader().await {
            return;
        }
        for some in self.take_refused().chunks(TOLD_AT_ONCE) {
            for broadcaster in some {
                self.signals.publish(Signal::ChatRefused(broadcaster.clone()));
            }
            // Whoever listens must keep up, or it would miss what it asked for, and ask again.
            tokio::time::sleep(BETWEEN_TOLD).await;
        }
    }

    fn take_refused(&self) -> Vec<ChannelId> {
        let mut state = self.feed.lock();
        state.are_refusals_asked = false;
        let is_refused = |channel: &Channel| matches!(channel.progress, Progress::Refused(_));
        let refused = state.channels.iter().filter(|(_, channel)| is_refused(channel));
        refused.map(|(broadcaster, _)| broadcaster.clone()).collect()
    }

    fn reader_of(&self, broadcaster: &ChannelId) -> Option<ChatterId> {
        self.feed.lock().channels.get(broadcaster).map(|channel| channel.reader.clone())
    }

    /// The record says what Twitch does, so that the leader knows what may have to be stopped.
    async fn correct_records(&self, conduit: &ConduitId, recorded: Vec<ChatSubscription>, mut missing: Live) {
        for record in recorded {
            match missing.remove(&record.broadcaster) {
                Some((id, _)) if id == record.id => {}
                Some(found) => drop(missing.insert(record.broadcaster, found)),
                None => {
                    if let Err(error) = self.records.delete(&record.broadcaster, &record.id).await {
                        warn!(%error, "the record of an ended subscription stays for now");
                    }
                }
            }
        }
        for (broadcaster, (id, reader)) in missing {
            self.record(ChatSubscription { id, conduit: conduit.clone(), broadcaster, reader }).await;
        }
    }

    /// Users who take their consent back, and shards that Twitch disables: one subscription each, whoever streams.
    async fn hear_of_more_than_chat(&self, conduit: &ConduitId, listed: &[ListedSubscription]) {
        let is_missing = |kind| !listed.iter().any(|one| one.kind == kind && one.is_live_on(conduit));
        if is_missing(AUTHORIZATION_REVOKED)
            && let Err(error) = self.hear_of_withdrawals(conduit).await
        {
            warn!(%error, "users who disconnect at Twitch are noticed within the hour, not at once");
        }
        if is_missing(SHARD_DISABLED)
            && let Err(error) = self.helix.subscribe_to_lost_shards(conduit).await
        {
            warn!(%error, "a shard that Twitch disables is noticed within a minute, not at once");
        }
    }

    async fn hear_of_withdrawals(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        let existing = match self.helix.subscribe_to_withdrawals(conduit).await {
            Err(TwitchError::Conflict { existing }) => existing,
            asked => return asked,
        };
        let found = match existing {
            Some(id) => self.helix.subscription(&id).await?,
            None => None,
        };
        if found.is_some_and(|found| !found.is_live_on(conduit)) {
            info!(
                "another conduit of this client id hears of users who disconnect at Twitch; here they are noticed within the hour"
            );
        }
        Ok(())
    }

    /// What is live and wanted is subscribed; what is wanted and not live is due. What is live and unknown here may be
    /// wanted elsewhere.
    fn adopt(&self, live: &Live) {
        let now = Instant::now();
        self.feed.lock().channels.retain(|broadcaster, channel| {
            match (live.get(broadcaster), &channel.progress) {
                // Read for somebody else: a refusal of before, or an end, is history.
                (Some(_), Progress::Due(_) | Progress::Refused(_)) if channel.want != Want::Read => {
                    return false;
                }
                (Some((id, reader)), _) if *reader == channel.reader => {
                    channel.progress = Progress::Subscribed(id.clone());
                }
                (_, Progress::Subscribed(_)) => channel.progress = Progress::Due(now),
                (_, Progress::Due(_) | Progress::AsRecorded(_) | Progress::Refused(_)) => {}
            }
            true
        });
    }
}

/// Subscription and reader of each broadcaster's chat.
type Live = HashMap<ChannelId, (SubscriptionId, ChatterId)>;

/// One live subscription a channel, and the ids of any further ones. Of several the one counts whose reader is wanted
/// here, else the oldest, which Twitch lists first.
fn sort(
    listed: &[ListedSubscription],
    conduit: &ConduitId,
    wanted: impl Fn(&ChannelId) -> Option<ChatterId>,
) -> (Live, Vec<SubscriptionId>) {
    let (mut live, mut surplus) = (Live::new(), Vec::new());
    for subscription in listed.iter().filter(|listed| listed.is_chat() && listed.is_live_on(conduit)) {
        let broadcaster = subscription.condition.broadcaster_user_id.as_deref().map(twitch_channel);
        let reader = subscription.condition.user_id.as_deref().map(twitch_chatter);
        let (Some(Ok(broadcaster)), Some(Ok(reader)), Ok(id)) =
            (broadcaster, reader, SubscriptionId::new(&subscription.id))
        else {
            continue;
        };
        let is_wanted = wanted(&broadcaster).is_some_and(|wanted| wanted == reader);
        match live.entry(broadcaster) {
            Entry::Vacant(free) => drop(free.insert((id, reader))),
            Entry::Occupied(mut taken) if is_wanted => surplus.push(taken.insert((id, reader)).0),
            Entry::Occupied(_) => surplus.push(id),
        }
    }
    (live, surplus)
}

fn twitch_channel(id: &str) -> Result<ChannelId, InvalidId> {
    ChannelId::new(Platform::Twitch, id)
}

fn twitch_chatter(id: &str) -> Result<ChatterId, InvalidId> {
    ChatterId::new(Platform::Twitch, id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chat(id: &str, reader: &str, conduit: &str) -> ListedSubscription {
        let chat = json!({
            "id": id, "status": "enabled", "type": "channel.chat.message",
            "condition": { "broadcaster_user_id": "42", "user_id": reader },
            "transport": { "method": "conduit", "conduit_id": conduit },
        });
        serde_json::from_value(chat).unwrap()
    }

    #[test]
    fn of_several_for_one_chat_the_one_by_the_wanted_reader_stays() {
        let ours = ConduitId::new("ours").unwrap();
        let all = [
            chat("old-bot", "7", "ours"),
            chat("bot", "8", "ours"),
            chat("third", "9", "ours"),
            chat("theirs", "8", "theirs"),
        ];
        let ids = |surplus: &[SubscriptionId]| surplus.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (live, surplus) = sort(&all, &ours, |_| Some(twitch_chatter("8").unwrap()));
        assert_eq!(live.values().next().unwrap().0.to_string(), "bot");
        assert_eq!(ids(&surplus), ["old-bot", "third"], "and what is not ours is not touched");
        let (live, surplus) = sort(&all, &ours, |_| None);
        assert_eq!(live.values().next().unwrap().0.to_string(), "old-bot");
        assert_eq!(ids(&surplus), ["bot", "third"]);
    }
}
