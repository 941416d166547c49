//! HTTP faults and call counts.

use std::time::Duration;

use crate::Sim;
use crate::faults::{Endpoint, Fault, WebhookFailure};

impl Sim {
    /// Answers the next `times` calls of this endpoint with a fault. These calls have no other effect.
    pub fn fail_next(&self, endpoint: Endpoint, fault: &Fault, times: usize) {
        self.shared.change(|world| world.faults.order(endpoint, fault, times));
    }

    /// Delays every HTTP response by this time.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.change(|world| world.faults.latency = latency);
    }

    /// Returns how often this endpoint was called, including faults.
    pub fn calls(&self, endpoint: Endpoint) -> u64 {
        self.shared.read(|world| world.faults.calls(endpoint))
    }

    /// Returns the latest 1 000 failed webhook attempts, oldest first.
    pub fn webhook_failures(&self) -> Vec<WebhookFailure> {
        self.shared.read(|world| world.faults.webhook_failures())
    }
}
