//! Our subscriptions against Twitch's list, which is the truth. Only what delivers to our conduit is touched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chatpulse_domain::ids::{ConduitId, SubscriptionId, TwitchUserId};
use tokio::time::Instant;
use tracing::{info, warn};

use super::worker::FeedWorker;
use super::{Channel, Progress, Want};
use crate::eventsub::event::AUTHORIZATION_REVOKED;
use crate::helix::ListedSubscription;

impl FeedWorker {
    pub(super) async fn reconcile(&mut self, conduit: &ConduitId) {
        let listed = match self.helix.subscriptions_on(conduit).await {
            Ok(listed) => listed,
            Err(error) => {
                return warn!(%error, "subscriptions could not be compared with Twitch's list this time");
            }
        };
        self.hear_of_withdrawals(conduit, &listed).await;
        let (live, surplus) = sort(&listed, conduit);
        self.adopt(live);
        for id in surplus {
            info!(subscription.id = %id, "a second subscription for the same chat is removed");
            if let Err(error) = self.helix.unsubscribe(&id).await {
                warn!(%error, "a second subscription for the same chat is still there");
            }
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

    /// What is live and wanted is subscribed; what is live and unknown gets a grace, since its overlay may only
    /// not have come back yet after our restart; what is wanted and not live is due.
    fn adopt(&self, mut live: HashMap<TwitchUserId, (SubscriptionId, TwitchUserId)>) {
        let now = Instant::now();
        let mut state = self.feed.lock();
        for (broadcaster, channel) in &mut state.channels {
            match (live.remove(broadcaster), &channel.progress) {
                (Some((id, reader)), _) if reader == channel.reader => {
                    channel.progress = Progress::Subscribed(id);
                }
                (_, Progress::Subscribed(_)) => channel.progress = Progress::Due(now),
                (_, Progress::Due(_) | Progress::Refused(_)) => {}
            }
        }
        let Some(grace) = self.config.leftover_grace else { return };
        for (broadcaster, (id, reader)) in live {
            let channel = Channel {
                want: Want::StopAt(now + grace),
                progress: Progress::Subscribed(id),
                ..Channel::new(reader, now)
            };
            state.channels.insert(broadcaster, channel);
        }
    }
}

/// One live subscription a channel, and the ids of any further ones.
fn sort(
    listed: &[ListedSubscription],
    conduit: &ConduitId,
) -> (HashMap<TwitchUserId, (SubscriptionId, TwitchUserId)>, Vec<SubscriptionId>) {
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
