//! Our subscriptions against Twitch's list, which is the truth. Only what delivers to our conduit is touched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chatpulse_domain::ids::{ConduitId, SubscriptionId, TwitchUserId};
use chatpulse_domain::subscription::ChatSubscription;
use tokio::time::Instant;
use tracing::{info, warn};

use super::worker::FeedWorker;
use super::{Progress, Want};
use crate::eventsub::event::AUTHORIZATION_REVOKED;
use crate::helix::ListedSubscription;

impl FeedWorker {
    pub(super) async fn reconcile(&mut self, conduit: &ConduitId) {
        if matches!(self.records.conduit().await, Ok(Some(stored)) if stored != *conduit) {
            info!("another instance has made another conduit; that one is ours from now on");
            self.conduit = None;
            return self.feed.check_shard();
        }
        // Before Twitch's list: what is recorded meanwhile is no mistake.
        let (recorded, listed) = match (self.records.all().await, self.helix.subscriptions_on(conduit).await)
        {
            (Ok(recorded), Ok(listed)) => (recorded, listed),
            (Err(error), _) => {
                return warn!(%error, "subscriptions are not compared with Twitch's list this time");
            }
            (_, Err(error)) => {
                return warn!(%error, "subscriptions are not compared with Twitch's list this time");
            }
        };
        self.hear_of_withdrawals(conduit, &listed).await;
        let (live, surplus) = sort(&listed, conduit);
        self.correct_records(conduit, recorded, &live).await;
        self.adopt(live);
        for id in surplus {
            info!(subscription.id = %id, "a second subscription for the same chat is removed");
            if let Err(error) = self.helix.unsubscribe(&id).await {
                warn!(%error, "a second subscription for the same chat is still there");
            }
        }
    }

    /// The record says what Twitch does, so that the leader knows what may have to be stopped.
    async fn correct_records(&self, conduit: &ConduitId, recorded: Vec<ChatSubscription>, live: &Live) {
        let mut missing = live.clone();
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

    /// One for the whole application, whoever streams.
    async fn hear_of_withdrawals(&self, conduit: &ConduitId, listed: &[ListedSubscription]) {
        let is_it =
            |listed: &ListedSubscription| listed.kind == AUTHORIZATION_REVOKED && listed.is_live_on(conduit);
        if listed.iter().any(is_it) {
            return;
        }
        if let Err(error) = self.helix.subscribe_to_withdrawals(conduit).await {
            warn!(%error, "users who disconnect at Twitch are noticed within the hour, not at once");
        }
    }

    /// What is live and wanted is subscribed; what is wanted and not live is due. What is live and unknown here may be
    /// wanted elsewhere.
    fn adopt(&self, mut live: Live) {
        let now = Instant::now();
        self.feed.lock().channels.retain(|broadcaster, channel| {
            match (live.remove(broadcaster), &channel.progress) {
                // Read for somebody else: a refusal of before, or an end, is history.
                (Some(_), Progress::Due(_) | Progress::Refused(_)) if channel.want != Want::Read => {
                    return false;
                }
                (Some((id, reader)), _) if reader == channel.reader => {
                    channel.progress = Progress::Subscribed(id);
                }
                (_, Progress::Subscribed(_)) => channel.progress = Progress::Due(now),
                (_, Progress::Due(_) | Progress::AsRecorded(_) | Progress::Refused(_)) => {}
            }
            true
        });
    }
}

/// Subscription and reader of each broadcaster's chat.
type Live = HashMap<TwitchUserId, (SubscriptionId, TwitchUserId)>;

/// One live subscription a channel, and the ids of any further ones.
fn sort(listed: &[ListedSubscription], conduit: &ConduitId) -> (Live, Vec<SubscriptionId>) {
    let (mut live, mut surplus) = (HashMap::new(), Vec::new());
    for subscription in listed.iter().filter(|listed| listed.is_chat() && listed.is_live_on(conduit)) {
        let broadcaster = subscription.condition.broadcaster_user_id.as_deref().map(TwitchUserId::new);
        let reader = subscription.condition.user_id.as_deref().map(TwitchUserId::new);
        let (Some(Ok(broadcaster)), Some(Ok(reader)), Ok(id)) =
            (broadcaster, reader, SubscriptionId::new(&subscription.id))
        else {
            continue;
        };
        match live.entry(broadcaster) {
            Entry::Occupied(_) => surplus.push(id),
            Entry::Vacant(free) => drop(free.insert((id, reader))),
        }
    }
    (live, surplus)
}
