//! What the pool does not do by itself: it keeps a minimum open, and closes what was idle for long.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::PgPool;
use crate::error::OpenError;

/// A period of zero would never let go.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

impl PgPool {
    /// Looks at the connections at once and then every `health_check_period`, until `stop`.
    pub async fn upkeep(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(self.config.health_check_period.max(SHORTEST_PERIOD));
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(period.tick()).await.is_some() {
            self.close_what_is_too_many();
            if let Some(Err(error)) = stop.run_until_cancelled(self.open_what_is_too_few()).await {
                warn!(error = &error as &dyn std::error::Error, "could not keep connections open");
            }
            self.show();
        }
    }

    /// Dead ones, and those idle for too long beyond the minimum.
    fn close_what_is_too_many(&self) {
        let mut to_spare = self.connections.status().size.saturating_sub(self.config.min_conns);
        let closed = self.connections.retain(|client, metrics| {
            let is_old = metrics.last_used() > self.config.max_conn_idle_time;
            let goes = client.is_closed() || (is_old && to_spare > 0);
            if goes {
                to_spare = to_spare.saturating_sub(1);
            }
            !goes
        });
        drop(closed);
    }

    /// Held together and then let go at once: one alone would be handed out again and again.
    async fn open_what_is_too_few(&self) -> Result<(), OpenError> {
        let wanted = self.config.min_conns.min(self.config.max_conns);
        let mut held = Vec::new();
        while self.connections.status().size < wanted && held.len() < wanted {
            held.push(self.connections.get().await.map_err(OpenError::from_pool(&self.place))?);
        }
        Ok(())
    }
}
