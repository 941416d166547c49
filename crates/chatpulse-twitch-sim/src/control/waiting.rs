//! Waits for conditions without polling.

use std::time::Duration;

use tokio::time::timeout;

use crate::Sim;

impl Sim {
    /// Waits until `condition` holds; it is checked after every change. Returns false after the timeout.
    pub async fn wait_until(&self, limit: Duration, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let mut changes = self.shared.changes();
        let holds = async {
            while !condition(self) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        timeout(limit, holds).await.unwrap_or(false)
    }

    /// Waits until a chat message in this channel would be delivered.
    pub async fn wait_until_subscribed(&self, channel: &str, limit: Duration) -> bool {
        self.wait_until(limit, |sim| sim.chat_is_read(channel)).await
    }
}
