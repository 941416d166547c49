//! What moderators ordered from chat, done one after the other. A store that is away for a moment delays an order; a minute
//! after it was given nobody wants it any more.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::{OverlayId, TwitchUserId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::votes::VoteStore;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::warn;

use super::RETRY_EVERY;
use crate::Ports;
use crate::commands::Order;
use crate::settings::Settings;

/// An order is tried for so long after it was given.
const WANTED_FOR: Duration = Duration::from_mins(1);

/// That it was seen, by an earlier try of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Noted {
    No,
    Perhaps,
    Yes,
}

pub(super) struct Orderly {
    settings: Arc<Settings>,
    streamers: Arc<dyn StreamerRepository>,
    votes: Arc<dyn VoteStore>,
    signals: Arc<dyn Signals>,
}

impl Orderly {
    pub(super) fn new(ports: &Ports, settings: Arc<Settings>) -> Self {
        Self {
            settings,
            streamers: Arc::clone(&ports.streamers),
            votes: Arc::clone(&ports.votes),
            signals: Arc::clone(&ports.signals),
        }
    }

    /// Until it is dropped: somebody may always give another.
    pub(super) async fn obey(&self, mut ordered: mpsc::Receiver<Order>) {
        while let Some(order) = ordered.recv().await {
            let mut noted = Noted::No;
            while let Err(error) = self.obey_one(&order, &mut noted).await {
                if order.at.elapsed() > WANTED_FOR || matches!(error, StoreError::Corrupt { .. }) {
                    warn!(%error, command = ?order.command, "a moderator's command was not carried out");
                    break;
                }
                warn!(%error, command = ?order.command, "a moderator's command is not carried out yet; trying again");
                sleep(RETRY_EVERY).await;
            }
        }
        // Nobody is left to give any.
        std::future::pending::<()>().await;
    }

    async fn obey_one(&self, order: &Order, noted: &mut Noted) -> Result<(), StoreError> {
        let Some(overlay) = self.overlay_of(order).await? else {
            return Ok(());
        };
        if *noted != Noted::Yes {
            let is_new = self
                .votes
                .note_seen(overlay, &order.message)
                .await
                .inspect_err(|_| *noted = Noted::Perhaps)?;
            // An answer that was lost may have been ours.
            if !is_new && *noted == Noted::No {
                return Ok(());
            }
            *noted = Noted::Yes;
        }
        if let Some(change) = order.command.pause_change() {
            return self.settings.change_pause(overlay, change).await;
        }
        self.votes.reset(overlay).await?;
        self.signals.publish(Signal::SentimentChanged(overlay));
        Ok(())
    }

    /// While no overlay is open the database knows whether the streamer lets moderators command.
    async fn overlay_of(&self, order: &Order) -> Result<Option<OverlayId>, StoreError> {
        if order.overlay.is_some() {
            return Ok(order.overlay);
        }
        let Some(user) = TwitchUserId::of_channel(&order.broadcaster) else {
            return Ok(None);
        };
        let Some(streamer) = self.streamers.find_by_twitch_id(&user).await? else {
            return Ok(None);
        };
        let stored = self.settings.find(&streamer).await?;
        Ok(stored.is_some_and(|stored| stored.settings.mod_commands).then_some(streamer.overlay))
    }
}
