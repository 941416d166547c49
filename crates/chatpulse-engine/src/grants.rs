//! News that users took back what they had agreed to, on its way to [`Housekeeping`](crate::Housekeeping).

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::grant_sink::GrantSink;
use tokio::sync::mpsc;
use tracing::warn;

/// Users who withdraw while the database is away. What does not fit is found by the hourly look.
const WITHDRAWN_MAX: usize = 1_024;

/// Takes the news.
pub struct Withdrawals {
    to_end: mpsc::Sender<TwitchUserId>,
}

impl Withdrawals {
    pub(crate) fn new() -> (Self, mpsc::Receiver<TwitchUserId>) {
        let (to_end, withdrawn) = mpsc::channel(WITHDRAWN_MAX);
        (Self { to_end }, withdrawn)
    }
}

impl GrantSink for Withdrawals {
    fn withdrawn(&self, user: &TwitchUserId) {
        if self.to_end.try_send(user.clone()).is_err() {
            warn!("a user took back their consent at Twitch; their login ends within the hour");
        }
    }
}
