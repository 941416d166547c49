//! What the other instances, and the engine of each, have to hear: subscriptions that Twitch ended, refusals that
//! somebody asked for, and chats that are read though nobody asked for them.

use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use chatpulse_domain::ports::signals::Signal;
use tokio::time::Instant;
use tracing::warn;

use super::channel::Revocation;
use super::notes::Note;
use super::subscribe::Subscriber;

/// A new leader's engine asks for every chat that is served within seconds. What nobody asked for by then is left over.
pub(super) const LEFTOVERS_AFTER: Duration = Duration::from_secs(5);

/// How often the leader looks for leftovers: that a session ended may not have been heard.
const LEFTOVERS_EVERY: Duration = Duration::from_mins(10);

const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Announced in one go: far fewer signals than a listener may lag behind.
const AT_ONCE: usize = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// A subscription that Twitch ended, as told to this instance alone.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) channel: ChatChannel,
    pub(super) id: SubscriptionId,
    pub(super) why: Revocation,
}

impl Subscriber {
    /// Announces everything that waits.
    pub(super) async fn announce(&mut self) {
        self.announce_ended().await;
        self.announce_refusals().await;
        self.announce_leftovers().await;
    }

    /// Whoever else relies on the subscription hears that it is refused, or, where the message may be about an earlier
    /// subscription, that the record has to be looked up.
    async fn announce_ended(&mut self) {
        let ended = std::mem::take(&mut self.feed.lock().ended);
        if !ended.is_empty() {
            self.reconcile_soon();
        }
        for Ended { channel, id, why } in ended {
            let record = self.records.find(&channel.broadcaster).await;
            let is_latest =
                matches!(&record, Ok(record) if record.as_ref().is_none_or(|record| record.id == id));
            if let Err(error) = self.records.delete(&channel.broadcaster, &id).await {
                warn!(%error, "failed to delete the record of an ended subscription; the next reconciliation does");
            }
            match why {
                Revocation::NotAuthorized if is_latest => self.feed.publish(Note::Refused(channel)),
                Revocation::NotAuthorized | Revocation::Recreate => {
                    self.announce_change(channel.broadcaster);
                }
            }
        }
    }

    /// For instances that started since, or missed a note.
    async fn announce_refusals(&self) {
        // If nobody leads now, the next leader answers.
        if !self.feed.lock().are_refusals_wanted || !self.leadership.is_leader().await {
            return;
        }
        let refused = {
            let mut state = self.feed.lock();
            state.are_refusals_wanted = false;
            state.channels.refused()
        };
        paced(refused, |channel| self.feed.publish(Note::Refused(channel))).await;
    }

    /// Chats that are recorded and that nobody asked this leader to read: from before a restart, or from another
    /// leader. The engines look for their sessions, and stop those that have none.
    async fn announce_leftovers(&self) {
        if self.feed.lock().leftovers_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        // The next leader looks by itself.
        let mut next = None;
        if self.leadership.is_leader().await {
            next = Some(Instant::now() + LEFTOVERS_EVERY);
            match self.records.all().await {
                Ok(records) => {
                    let recorded = records.into_iter().map(|record| record.broadcaster);
                    let leftovers = recorded.filter(|id| !self.feed.lock().channels.is_wanted(id)).collect();
                    paced(leftovers, |broadcaster| self.announce_change(broadcaster)).await;
                }
                Err(error) => {
                    warn!(%error, "failed to look for chats that nobody needs; trying again");
                    next = Some(Instant::now() + RETRY_AFTER);
                }
            }
        }
        self.feed.lock().leftovers_at = next;
    }

    fn announce_change(&self, broadcaster: ChannelId) {
        self.feed.shared.signals.publish(Signal::SessionChanged(broadcaster));
    }
}

/// Whoever listens must keep up, or it would miss what it needs, and ask for it again.
async fn paced<T>(all: Vec<T>, publish: impl Fn(T)) {
    for (place, one) in all.into_iter().enumerate() {
        if place > 0 && place % AT_ONCE == 0 {
            tokio::time::sleep(PAUSE).await;
        }
        publish(one);
    }
}
