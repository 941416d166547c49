//! Signals that a test can read back, lose and cut off.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chatpulse_domain::ports::signals::{Heard, Signal, SignalStream, Signals};
use tokio::sync::mpsc;

/// Delivers to every listener, and remembers what was published. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct FakeSignals {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    published: Vec<Signal>,
    listeners: Vec<mpsc::UnboundedSender<Heard>>,
    is_losing: bool,
}

impl FakeSignals {
    /// With nobody listening.
    pub fn new() -> Self {
        Self::default()
    }

    /// All that was published, the lost ones too.
    pub fn published(&self) -> Vec<Signal> {
        self.state.lock().unwrap().published.clone()
    }

    /// Whether signals get lost from now on.
    pub fn lose(&self, is_losing: bool) {
        self.state.lock().unwrap().is_losing = is_losing;
    }

    /// Tells every listener that it missed something.
    pub fn gap(&self) {
        self.state.lock().unwrap().tell(&Heard::Gap);
    }

    /// Hangs up on every listener.
    pub fn close(&self) {
        self.state.lock().unwrap().listeners.clear();
    }
}

impl State {
    fn tell(&mut self, heard: &Heard) {
        self.listeners.retain(|listener| listener.send(heard.clone()).is_ok());
    }
}

impl Signals for FakeSignals {
    fn publish(&self, signal: Signal) {
        let mut state = self.state.lock().unwrap();
        state.published.push(signal.clone());
        if !state.is_losing {
            state.tell(&Heard::Signal(signal));
        }
    }

    fn subscribe(&self) -> Box<dyn SignalStream> {
        let (listener, heard) = mpsc::unbounded_channel();
        self.state.lock().unwrap().listeners.push(listener);
        Box::new(FakeStream { heard })
    }
}

struct FakeStream {
    heard: mpsc::UnboundedReceiver<Heard>,
}

#[async_trait]
impl SignalStream for FakeStream {
    async fn next(&mut self) -> Heard {
        self.heard.recv().await.unwrap_or(Heard::Closed)
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::OverlayId;

    use super::*;

    #[tokio::test]
    async fn a_lost_signal_is_remembered_but_not_heard() {
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
