//! Keeps the minimum of connections open and closes those that were idle for long; the pool does neither by itself.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::PgPool;
use crate::open_error::OpenError;

/// A timer does not accept a period of zero.
const PERIOD_MIN: Duration = Duration::from_millis(1);

impl PgPool {
    /// Maintains the connections at once and then every `health_check_period`, until `stop`.
    pub async fn maintain(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(self.config.health_check_period.max(PERIOD_MIN));
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(period.tick()).await.is_some() {
            self.close_excess();
            if let Some(Err(error)) = stop.run_until_cancelled(self.open_minimum()).await {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "failed to open the minimum of connections; retrying"
                );
            }
            self.update_metrics();
        }
    }

    /// Closes dead connections, and those beyond the minimum that were idle for too long.
    fn close_excess(&self) {
        let mut excess = self.connections.status().size.saturating_sub(self.config.min_conns);
        let closed = self.connections.retain(|client, metrics| {
            let is_old = metrics.last_used() > self.config.max_conn_idle_time;
            let closes = client.is_closed() || (is_old && excess > 0);
            if closes {
                excess = excess.saturating_sub(1);
            }
            !closes
        });
        drop(closed);
    }

    /// Opens connections up to the minimum. They are all checked out before the first returns, since the pool would
    /// return the same one again.
    async fn open_minimum(&self) -> Result<(), OpenError> {
        let wanted = self.config.min_conns.min(self.config.max_conns);
        let mut opened = Vec::new();
        while self.connections.status().size < wanted && opened.len() < wanted {
            opened.push(self.connections.get().await.map_err(OpenError::from_pool(&self.target))?);
        }
        Ok(())
    }
}
