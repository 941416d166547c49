//! Where chat ends in tests of what brings it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chatpulse_domain::ports::chat_sink::{ChatDelivery, ChatOutcome, ChatSink};
use tokio::sync::watch;

/// Collects deliveries and answers each with the same outcome. Clones are one.
#[derive(Debug, Clone)]
pub struct FakeSink {
    received: watch::Sender<Vec<ChatDelivery>>,
    outcome: Arc<Mutex<ChatOutcome>>,
}

impl FakeSink {
    /// Answers [`ChatOutcome::NoMatch`] until told otherwise.
    pub fn new() -> Self {
        Self { received: watch::Sender::new(Vec::new()), outcome: Arc::new(Mutex::new(ChatOutcome::NoMatch)) }
    }

    /// What every delivery is answered from now on.
    pub fn answer(&self, outcome: ChatOutcome) {
        *self.outcome.lock().unwrap() = outcome;
    }

    /// All that came so far, in order.
    pub fn received(&self) -> Vec<ChatDelivery> {
        self.received.borrow().clone()
    }

    /// Waits until so many have come, and returns them all.
    pub async fn wait_for(&self, count: usize) -> Vec<ChatDelivery> {
        let mut received = self.received.subscribe();
        let enough = received.wait_for(|received| received.len() >= count).await;
        enough.unwrap().clone()
    }
}

impl Default for FakeSink {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ChatSink for FakeSink {
    async fn receive(&self, delivery: ChatDelivery) -> ChatOutcome {
        self.received.send_modify(|received| received.push(delivery));
        *self.outcome.lock().unwrap()
    }
}
