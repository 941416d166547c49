//! What moderators ordered from chat, done one after the other. A store that is away for a moment delays an order; after a
//! minute nobody wants it any more.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::votes::VoteStore;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::RETRY_EVERY;
use crate::Ports;
use crate::commands::Order;
use crate::settings::Settings;

/// An order that could not be done within this is dropped.
const WANTED_FOR: Duration = Duration::from_mins(1);

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
            let given_up_at = Instant::now() + WANTED_FOR;
            let mut is_noted = false;
            while let Err(error) = self.obey_one(&order, &mut is_noted).await {
                if Instant::now() > given_up_at {
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

    /// `is_noted`: that it was seen was noted by an earlier try.
    async fn obey_one(&self, order: &Order, is_noted: &mut bool) -> Result<(), StoreError> {
        let Some(overlay) = self.overlay_of(order).await? else {
            return Ok(());
        };
        *is_noted = *is_noted || self.votes.note_seen(overlay, &order.message).await?;
        match (*is_noted, order.command.stage()) {
            (false, _) => {}
            (true, Some(change)) => self.settings.set_stage(overlay, change).await?,
            (true, None) => {
                self.votes.reset(overlay).await?;
                self.signals.publish(Signal::SentimentChanged(overlay));
            }
        }
        Ok(())
    }

    /// While no overlay is open the database knows whether the streamer lets moderators command.
    async fn overlay_of(&self, order: &Order) -> Result<Option<OverlayId>, StoreError> {
        if order.overlay.is_some() {
            return Ok(order.overlay);
        }
        let Some(streamer) = self.streamers.find_by_twitch_id(&order.broadcaster).await? else {
            return Ok(None);
        };
        let stored = self.settings.find(&streamer).await?;
        Ok(stored.is_some_and(|stored| stored.settings.mod_commands).then_some(streamer.overlay))
    }
}
