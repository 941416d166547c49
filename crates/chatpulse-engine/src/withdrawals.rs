//! Users who take back at Twitch what they agreed to: the news waits in a queue, and a worker ends their grants.

use std::sync::Arc;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_domain::ports::tokens::TokenRepository;
use chatpulse_domain::time::Timestamp;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::housekeeping::RETRY_EVERY;

/// Users who withdraw while the database is away. The hourly validation of tokens finds what does not fit.
const WITHDRAWALS_MAX: usize = 1_024;

/// A user took everything back.
#[derive(Debug)]
pub(crate) struct Withdrawal {
    user: TwitchUserId,
    at: Timestamp,
}

/// Receives the news; never waits.
pub struct Withdrawals {
    queue: mpsc::Sender<Withdrawal>,
}

impl Withdrawals {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Withdrawal>) {
        let (queue, due) = mpsc::channel(WITHDRAWALS_MAX);
        (Self { queue }, due)
    }
}

impl GrantSink for Withdrawals {
    fn withdrawn(&self, user: &TwitchUserId, at: Timestamp) {
        if self.queue.try_send(Withdrawal { user: user.clone(), at }).is_err() {
            warn!(user.id = %user, "too many withdrawn grants are waiting; this login ends within the hour");
        }
    }
}

/// Ends grants one after the other.
pub struct WithdrawalWorker {
    pub(crate) tokens: Arc<dyn TokenRepository>,
    pub(crate) due: mpsc::Receiver<Withdrawal>,
}

impl WithdrawalWorker {
    /// Works until `stop`, then tries once more what is known by then.
    pub async fn run(self, stop: CancellationToken) {
        let Self { tokens, mut due } = self;
        while let Some(Some(next)) = stop.run_until_cancelled(due.recv()).await {
            while !end(tokens.as_ref(), &next).await {
                if stop.run_until_cancelled(sleep(RETRY_EVERY)).await.is_none() {
                    break;
                }
            }
        }
        while let Ok(left) = due.try_recv() {
            end(tokens.as_ref(), &left).await;
        }
        // Without a sender nothing is left to do, which is no failure.
        stop.cancelled().await;
    }
}

/// False if the database has to be tried again.
async fn end(tokens: &dyn TokenRepository, Withdrawal { user, at }: &Withdrawal) -> bool {
    match tokens.end_grant(user, *at).await {
        Ok(true) => info!(user.id = %user, "deleted the tokens and logins of a user who withdrew at Twitch"),
        Ok(false) => {}
        Err(error) => {
            warn!(user.id = %user, %error, "failed to end a grant that was withdrawn at Twitch; trying again");
            return false;
        }
    }
    true
}
