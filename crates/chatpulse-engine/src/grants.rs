//! News that users took back what they had agreed to, on its way to [`Housekeeping`](crate::Housekeeping).

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_domain::time::Timestamp;
use tokio::sync::mpsc;
use tracing::warn;

/// Users who withdraw while the database is away. What does not fit is found by the hourly look.
const WITHDRAWN_MAX: usize = 1_024;

/// A user took everything back.
#[derive(Debug)]
pub(crate) struct Withdrawal {
    pub(crate) user: TwitchUserId,
    pub(crate) at: Timestamp,
}

/// Takes the news.
pub struct Withdrawals {
    to_end: mpsc::Sender<Withdrawal>,
}

impl Withdrawals {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Withdrawal>) {
        let (to_end, withdrawn) = mpsc::channel(WITHDRAWN_MAX);
        (Self { to_end }, withdrawn)
    }
}

impl GrantSink for Withdrawals {
    fn withdrawn(&self, user: &TwitchUserId, at: Timestamp) {
        if self.to_end.try_send(Withdrawal { user: user.clone(), at }).is_err() {
            warn!("a user took back their consent at Twitch; their login ends within the hour");
        }
    }
}
