//! Signals that a test can read back, lose and cut off.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chatpulse_domain::ports::signals::{Heard, Signal, SignalStream, Signals};
use chatpulse_store_embedded::LocalSignals;
use tokio::sync::broadcast;

/// Gaps that a stream has not heard yet; a test makes a few.
const GAPS_MAX: usize = 16;

/// [`LocalSignals`] that records what was published. Clones share one publisher.
#[derive(Debug, Clone)]
pub struct FakeSignals {
    state: Arc<Mutex<State>>,
    gaps: broadcast::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    published: Vec<Signal>,
    publisher: LocalSignals,
    is_losing: bool,
}

impl FakeSignals {
    /// A publisher without subscribers.
    pub fn new() -> Self {
        Self { state: Arc::default(), gaps: broadcast::Sender::new(GAPS_MAX) }
    }

    /// All signals that were published, the lost ones too.
    pub fn published(&self) -> Vec<Signal> {
        self.state.lock().unwrap().published.clone()
    }

    /// Whether signals get lost from now on.
    pub fn lose(&self, is_losing: bool) {
        self.state.lock().unwrap().is_losing = is_losing;
    }

    /// Lets every stream hear a gap, before the signals that it has not heard yet.
    pub fn gap(&self) {
        // An error means that there is no stream.
        let _ = self.gaps.send(());
    }

    /// Closes every stream after the signals that it has not heard yet.
    pub fn close(&self) {
        self.state.lock().unwrap().publisher = LocalSignals::new();
    }
}

impl Default for FakeSignals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals for FakeSignals {
    fn publish(&self, signal: Signal) {
        let mut state = self.state.lock().unwrap();
        state.published.push(signal.clone());
        if !state.is_losing {
            state.publisher.publish(signal);
        }
    }

    fn subscribe(&self) -> Box<dyn SignalStream> {
        let signals = self.state.lock().unwrap().publisher.subscribe();
        Box::new(FakeStream { signals, gaps: self.gaps.subscribe() })
    }
}

struct FakeStream {
    signals: Box<dyn SignalStream>,
    gaps: broadcast::Receiver<()>,
}

#[async_trait]
impl SignalStream for FakeStream {
    async fn next(&mut self) -> Heard {
        tokio::select! {
            biased;
            Ok(()) = self.gaps.recv() => Heard::Gap,
            heard = self.signals.next() => heard,
        }
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::OverlayId;

    use super::*;

    #[tokio::test]
    async fn a_lost_signal_is_recorded_but_not_heard() {
        let signals = FakeSignals::new();
        let mut stream = signals.subscribe();
        let signal = Signal::SentimentChanged(OverlayId::random());
        signals.lose(true);
        signals.publish(signal.clone());
        signals.gap();
        signals.close();
        assert_eq!(signals.published(), [signal]);
        assert_eq!(stream.next().await, Heard::Gap);
        assert_eq!(stream.next().await, Heard::Closed);
    }
}
