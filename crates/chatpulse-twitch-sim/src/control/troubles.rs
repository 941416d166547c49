//! Troubles over HTTP, and what was counted.

use std::time::Duration;

use crate::Sim;
use crate::faults::{Endpoint, Fault, WebhookFailure};

impl Sim {
    /// Answers the next `times` calls of this endpoint with a fault; they have no other effect.
    pub fn fail_next(&self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.shared.change(|world| world.faults.order(endpoint, fault, times));
    }

    /// Makes every answer over HTTP wait so long.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.change(|world| world.faults.latency = latency);
    }

    /// How often this endpoint was called, faults included.
    pub fn calls(&self, endpoint: Endpoint) -> u64 {
        self.shared.read(|world| world.faults.calls(endpoint))
    }

    /// Attempts to reach a webhook that were not accepted: the newest 1 000, oldest first.
    pub fn webhook_failures(&self) -> Vec<WebhookFailure> {
        self.shared.read(|world| world.faults.webhook_failures())
    }
}
