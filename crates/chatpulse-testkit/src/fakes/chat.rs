//! A sink for tests of what delivers chat.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chatpulse_domain::ports::chat_sink::{ChatDelivery, ChatOutcome, ChatSink};
use tokio::sync::watch;

/// Records deliveries and answers each with the same outcome. Clones share one record.
#[derive(Debug, Clone)]
pub struct FakeSink {
    received: watch::Sender<Vec<ChatDelivery>>,
    outcome: Arc<Mutex<ChatOutcome>>,
}

impl FakeSink {
    /// Answers [`ChatOutcome::NoMatch`] until [`FakeSink::answer`] changes it.
    pub fn new() -> Self {
        Self { received: watch::Sender::new(Vec::new()), outcome: Arc::new(Mutex::new(ChatOutcome::NoMatch)) }
    }

    /// Answers every delivery with `outcome` from now on.
    pub fn answer(&self, outcome: ChatOutcome) {
        *self.outcome.lock().unwrap() = outcome;
    }

    /// All deliveries so far, in order.
    pub fn received(&self) -> Vec<ChatDelivery> {
        self.received.borrow().clone()
    }

    /// Waits for at least `count` deliveries and returns them all.
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
