//! Count what passes a port, so that the engine behind it does not depend on metrics.

use std::sync::Arc;

use async_trait::async_trait;
use chatpulse_domain::metrics::{Family, Labels};
use chatpulse_domain::ports::chat_sink::{ChatDelivery, ChatOutcome, ChatSink};
use chatpulse_domain::side::Side;
use metrics::{Counter, Histogram};
use tokio::time::Instant;

/// The families of [`MeteredSink`].
pub const FAMILIES: &[Family] = &[
    Family::counter(
        "vote_processing_total",
        Labels::One("result", &ChatOutcome::LABELS),
        "Chat messages by what became of them.",
    ),
    Family::histogram(
        "vote_processing_duration_seconds",
        Labels::None,
        "From a verified chat message to its outcome.",
    ),
    Family::counter(
        "vote_trigger_matches_total",
        Labels::One("trigger_type", &["for", "against"]),
        "Chat messages that equalled a trigger, by side.",
    ),
];

/// Counts the outcomes of chat messages. It keeps the metric handles, because every message takes this path.
pub struct MeteredSink {
    inner: Arc<dyn ChatSink>,
    outcomes: [Counter; ChatOutcome::LABELS.len()],
    matches: [Counter; 2],
    duration: Histogram,
}

impl MeteredSink {
    /// Forwards everything to `inner` and counts the outcomes.
    pub fn new(inner: Arc<dyn ChatSink>) -> Self {
        Self {
            inner,
            outcomes: ChatOutcome::LABELS
                .map(|result| metrics::counter!("vote_processing_total", "result" => result)),
            matches: Side::BOTH
                .map(|side| metrics::counter!("vote_trigger_matches_total", "trigger_type" => side.as_str())),
            duration: metrics::histogram!("vote_processing_duration_seconds"),
        }
    }

    fn count(&self, outcome: &ChatOutcome) {
        let label = outcome.as_str();
        if let Some(place) = ChatOutcome::LABELS.iter().position(|known| *known == label) {
            self.outcomes[place].increment(1);
        }
        if let Some(side) = outcome.matched() {
            let place = usize::from(side == Side::Against);
            self.matches[place].increment(1);
        }
    }
}

#[async_trait]
impl ChatSink for MeteredSink {
    async fn receive(&self, delivery: ChatDelivery) -> ChatOutcome {
        let started = Instant::now();
        let outcome = self.inner.receive(delivery).await;
        self.duration.record(started.elapsed());
        self.count(&outcome);
        outcome
    }
}
