//! Signals within one process.

use async_trait::async_trait;
use chatpulse_domain::ports::signals::{Heard, Signal, SignalStream, Signals};
use tokio::sync::broadcast;

/// Signals that may wait for a subscriber before it gets a gap instead: one second of 50 sessions that change in every
/// tick of 50 ms, at about 80 bytes a signal.
const SIGNALS_MAX: usize = 1_024;

/// Delivers signals within this process. Clones share the subscribers.
#[derive(Debug, Clone)]
pub struct LocalSignals {
    sender: broadcast::Sender<Signal>,
}

impl LocalSignals {
    /// Without subscribers.
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(SIGNALS_MAX) }
    }
}

impl Default for LocalSignals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals for LocalSignals {
    fn publish(&self, signal: Signal) {
        // An error means that there is no subscriber.
        let _ = self.sender.send(signal);
    }

    fn subscribe(&self) -> Box<dyn SignalStream> {
        Box::new(LocalStream { receiver: self.sender.subscribe() })
    }
}

struct LocalStream {
    receiver: broadcast::Receiver<Signal>,
}

#[async_trait]
impl SignalStream for LocalStream {
    async fn next(&mut self) -> Heard {
        match self.receiver.recv().await {
            Ok(signal) => Heard::Signal(signal),
            Err(broadcast::error::RecvError::Lagged(_)) => Heard::Gap,
            Err(broadcast::error::RecvError::Closed) => Heard::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::OverlayId;

    use super::*;

    fn numbered(count: usize) -> Vec<Signal> {
        let signal = |_| Signal::SentimentChanged(OverlayId::random());
        (0..count).map(signal).collect()
    }

    #[tokio::test]
    async fn a_slow_subscriber_gets_a_gap_and_then_the_newest_signals() {
        let signals = LocalSignals::new();
        let mut stream = signals.subscribe();
        let all = numbered(SIGNALS_MAX + 1);
        for signal in &all {
            signals.publish(signal.clone());
        }
        assert_eq!(stream.next().await, Heard::Gap);
        assert_eq!(stream.next().await, Heard::Signal(all[1].clone()));
    }

    #[tokio::test]
    async fn signals_from_before_the_publisher_left_are_still_delivered() {
        let signals = LocalSignals::new();
        let mut stream = signals.subscribe();
        let last = numbered(1).remove(0);
        signals.publish(last.clone());
        drop(signals);
        assert_eq!(stream.next().await, Heard::Signal(last));
        assert_eq!(stream.next().await, Heard::Closed);
    }
}
