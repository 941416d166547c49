//! The promises of [`Signals`] while no signal is lost. Tests of each subscriber cover lost signals.

use std::time::Duration;

use chatpulse_domain::ids::{OverlayId, Platform};
use chatpulse_domain::ports::signals::{Heard, PlatformNote, Signal, SignalStream, Signals};
use tokio::time::timeout;

use crate::builders as build;

/// Checks every promise; `make` returns a fresh publisher without subscribers.
pub async fn holds<S: Signals>(make: impl AsyncFn() -> S) {
    every_listener_hears_every_signal_in_order(&make().await).await;
    a_listener_hears_only_what_comes_after_it_began(&make().await).await;
    publishing_to_nobody_is_fine(&make().await).await;
}

async fn next(stream: &mut Box<dyn SignalStream>) -> Heard {
    let heard = timeout(Duration::from_secs(5), stream.next());
    heard.await.expect("a signal was published, and nothing came")
}

async fn every_listener_hears_every_signal_in_order(signals: &dyn Signals) {
    let mut listeners = [signals.subscribe(), signals.subscribe()];
    let overlay = OverlayId::random();
    let broadcaster = build::fresh_channel();
    let all = [
        Signal::SentimentChanged(overlay),
        Signal::SettingsChanged { overlay, broadcaster: broadcaster.clone() },
        Signal::SessionChanged(broadcaster.clone()),
        Signal::OverlayRotated(overlay),
        Signal::PlatformNote(PlatformNote {
            platform: Platform::Twitch,
            text: format!("refused {broadcaster} and more words"),
        }),
    ];
    for signal in &all {
        signals.publish(signal.clone());
    }
    for listener in &mut listeners {
        for signal in &all {
            assert_eq!(next(listener).await, Heard::Signal(signal.clone()));
        }
    }
}

async fn a_listener_hears_only_what_comes_after_it_began(signals: &dyn Signals) {
    let mut early = signals.subscribe();
    let before = Signal::OverlayRotated(OverlayId::random());
    signals.publish(before.clone());
    assert_eq!(next(&mut early).await, Heard::Signal(before));
    let mut late = signals.subscribe();
    let after = Signal::OverlayRotated(OverlayId::random());
    signals.publish(after.clone());
    assert_eq!(next(&mut late).await, Heard::Signal(after));
}

async fn publishing_to_nobody_is_fine(signals: &dyn Signals) {
    signals.publish(Signal::OverlayRotated(OverlayId::random()));
    drop(signals.subscribe());
    let signal = Signal::OverlayRotated(OverlayId::random());
    let mut late = signals.subscribe();
    signals.publish(signal.clone());
    assert_eq!(next(&mut late).await, Heard::Signal(signal));
}
