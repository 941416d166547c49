//! Signals within one process.

use async_trait::async_trait;
use chatpulse_domain::ports::signals::{Heard, Signal, SignalStream, Signals};
use tokio::sync::broadcast;

/// Signals a listener may lag behind before it hears a gap: 50 sessions that change in each tick of 50 ms make
/// 1000 a second, so this is a second of them, at about 80 bytes each.
const SIGNALS_MAX: usize = 1_024;

/// Tells every listener in this process. Clones are one.
#[derive(Debug, Clone)]
pub struct LocalSignals {
    sender: broadcast::Sender<Signal>,
}

impl LocalSignals {
    /// With nobody listening.
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
        // An error means that nobody listens, and then nobody misses it.
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
    async fn a_listener_that_lags_hears_a_gap_and_then_the_newest() {
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
    async fn what_was_said_before_the_publisher_left_is_still_heard() {
        let signals = LocalSignals::new();
        let mut stream = signals.subscribe();
        let last = numbered(1).remove(0);
        signals.publish(last.clone());
        drop(signals);
        assert_eq!(stream.next().await, Heard::Signal(last));
        assert_eq!(stream.next().await, Heard::Closed);
    }
}
