//! Compares our subscriptions with Twitch's list, which is the truth. Only what delivers to our conduit is touched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chatpulse_domain::ids::{ChannelId, ChatterId, ConduitId, SubscriptionId, TwitchUserId};
use chatpulse_domain::subscription::ChatSubscription;
use tokio::time::Instant;
use tracing::{info, warn};

use super::subscribe::Subscriber;
use crate::error::TwitchError;
use crate::eventsub::event::{AUTHORIZATION_REVOKED, SHARD_DISABLED};
use crate::helix::subscriptions::ListedSubscription;

impl Subscriber {
    /// False if it could not be done; it is tried again soon.
    pub(super) async fn reconcile(&mut self, conduit: &ConduitId) -> bool {
        if matches!(self.records.conduit().await, Ok(Some(stored)) if stored != *conduit) {
            info!("another instance has created another conduit; using that one from now on");
            self.feed.assign_shard_again();
            return true;
        }
        // The records before Twitch's list: what is recorded in between is no mistake.
        let recorded = self.records.all().await.map_err(TwitchError::malformed);
        let (recorded, listed) = match (recorded, self.api.subscriptions_on(conduit).await) {
            (Ok(recorded), Ok(listed)) => (recorded, listed),
            (Err(error), _) | (_, Err(error)) => {
                warn!(%error, "failed to compare subscriptions with Twitch's list; trying again");
                return false;
            }
        };
        let (live, surplus) =
            sort(&listed, conduit, |broadcaster| self.feed.lock().channels.get(broadcaster)?.bot().cloned());
        self.feed.lock().channels.apply_list(|broadcaster| live.get(broadcaster).cloned(), Instant::now());
        if !self.leadership.is_leader().await {
            return true;
        }
        self.feed.lock().are_refusals_wanted = true;
        self.subscribe_to_more_than_chat(conduit, &listed).await;
        self.correct_records(conduit, recorded, live).await;
        for id in surplus {
            info!(subscription.id = %id, "removing a second subscription for the same chat");
            if let Err(error) = self.api.unsubscribe(&id).await {
                warn!(%error, "failed to remove a second subscription for the same chat");
            }
        }
        true
    }

    /// The record says what Twitch does, so that the leader knows what may have to be stopped.
    async fn correct_records(&self, conduit: &ConduitId, recorded: Vec<ChatSubscription>, mut missing: Live) {
        for record in recorded {
            match missing.remove(&record.broadcaster) {
                Some((id, _)) if id == record.id => {}
                Some(found) => drop(missing.insert(record.broadcaster, found)),
                None => {
                    if let Err(error) = self.records.delete(&record.broadcaster, &record.id).await {
                        warn!(%error, "failed to delete the record of an ended subscription");
                    }
                }
            }
        }
        for (broadcaster, (id, bot)) in missing {
            self.record(ChatSubscription { id, conduit: conduit.clone(), broadcaster, bot }).await;
        }
    }

    /// Users who take their consent back, and shards that Twitch disables: one subscription each, whoever streams.
    async fn subscribe_to_more_than_chat(&self, conduit: &ConduitId, listed: &[ListedSubscription]) {
        let is_missing = |kind| !listed.iter().any(|one| one.kind == kind && one.is_live_on(conduit));
        if is_missing(AUTHORIZATION_REVOKED)
            && let Err(error) = self.subscribe_to_withdrawals(conduit).await
        {
            warn!(%error, "users who disconnect at Twitch are noticed within the hour, not at once");
        }
        if is_missing(SHARD_DISABLED)
            && let Err(error) = self.api.subscribe_to_disabled_shards(conduit).await
        {
            warn!(%error, "a shard that Twitch disables is noticed within a minute, not at once");
        }
    }

    async fn subscribe_to_withdrawals(&self, conduit: &ConduitId) -> Result<(), TwitchError> {
        let existing = match self.api.subscribe_to_withdrawals(conduit).await {
            Err(TwitchError::Conflict { existing }) => existing,
            answer => return answer,
        };
        let found = match existing {
            Some(id) => self.api.subscription(&id).await?,
            None => None,
        };
        if found.is_some_and(|found| !found.is_live_on(conduit)) {
            info!(
                "another conduit of this client id is told of users who disconnect at Twitch; here they are noticed within the hour"
            );
        }
        Ok(())
    }
}

/// Subscription and bot of each broadcaster's chat.
type Live = HashMap<ChannelId, (SubscriptionId, ChatterId)>;

/// One live subscription a channel, and the ids of any further ones. Of several the one counts whose bot is wanted
/// here, else the oldest, which Twitch lists first.
fn sort(
    listed: &[ListedSubscription],
    conduit: &ConduitId,
    wanted: impl Fn(&ChannelId) -> Option<ChatterId>,
) -> (Live, Vec<SubscriptionId>) {
    let (mut live, mut surplus) = (Live::new(), Vec::new());
    for subscription in listed.iter().filter(|listed| listed.is_chat() && listed.is_live_on(conduit)) {
        let user = |id: &Option<String>| TwitchUserId::new(id.as_deref()?).ok();
        let (Some(broadcaster), Some(bot), Ok(id)) = (
            user(&subscription.condition.broadcaster_user_id),
            user(&subscription.condition.user_id),
            SubscriptionId::new(&subscription.id),
        ) else {
            continue;
        };
        let (broadcaster, bot) = (broadcaster.channel(), bot.chatter());
        let is_wanted = wanted(&broadcaster).is_some_and(|wanted| wanted == bot);
        match live.entry(broadcaster) {
            Entry::Vacant(free) => drop(free.insert((id, bot))),
            Entry::Occupied(mut taken) if is_wanted => surplus.push(taken.insert((id, bot)).0),
            Entry::Occupied(_) => surplus.push(id),
        }
    }
    (live, surplus)
}

#[cfg(test)]
mod tests {
    use chatpulse_testkit::builders as build;
    use serde_json::json;

    use super::*;

    fn chat(id: &str, bot: &str, conduit: &str) -> ListedSubscription {
        let chat = json!({
            "id": id, "status": "enabled", "type": "channel.chat.message",
            "condition": { "broadcaster_user_id": "42", "user_id": bot },
            "transport": { "method": "conduit", "conduit_id": conduit },
        });
        serde_json::from_value(chat).unwrap()
    }

    #[test]
    fn the_subscription_of_the_wanted_bot_stays_when_there_are_several() {
        let ours = ConduitId::new("ours").unwrap();
        let all = [
            chat("old-bot", "7", "ours"),
            chat("bot", "8", "ours"),
            chat("third", "9", "ours"),
            chat("theirs", "8", "theirs"),
        ];
        let ids = |surplus: &[SubscriptionId]| surplus.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (live, surplus) = sort(&all, &ours, |_| Some(build::user("8").chatter()));
        assert_eq!(live.values().next().unwrap().0.to_string(), "bot");
        assert_eq!(ids(&surplus), ["old-bot", "third"], "and what is not ours is not touched");
        let (live, surplus) = sort(&all, &ours, |_| None);
        assert_eq!(live.values().next().unwrap().0.to_string(), "old-bot");
        assert_eq!(ids(&surplus), ["bot", "third"]);
    }
}
