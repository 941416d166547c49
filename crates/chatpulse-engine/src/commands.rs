//! What moderators ordered from chat, on its way from the vote path to [`Housekeeping`](crate::Housekeeping): a vote waits
//! for no database.

use chatpulse_domain::command::ModCommand;
use chatpulse_domain::ids::{ChannelId, MessageId, OverlayId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

/// Orders while the stores are slow. Moderators who see nothing happen type it again.
const ORDERS_MAX: usize = 256;

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) broadcaster: ChannelId,
    /// `None` while nobody watches it.
    pub(crate) overlay: Option<OverlayId>,
    /// What a repeated delivery has in common.
    pub(crate) message: MessageId,
    pub(crate) command: ModCommand,
    /// When it was given.
    pub(crate) at: Instant,
}

/// Takes orders.
pub(crate) struct Orders {
    to_do: mpsc::Sender<Order>,
}

impl Orders {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (to_do, given) = mpsc::channel(ORDERS_MAX);
        (Self { to_do }, given)
    }

    pub(crate) fn give(&self, order: Order) {
        if self.to_do.try_send(order).is_err() {
            warn!("a moderator's command was dropped: too many are waiting");
        }
    }
}
