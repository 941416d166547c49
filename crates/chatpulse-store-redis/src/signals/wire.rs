//! Signals as messages: a channel for each kind, and a line of words, the first of which is the sender.

use chatpulse_domain::ids::{InstanceId, OverlayId};
use chatpulse_domain::ports::signals::Signal;

const SENTIMENT: &str = "sentiment:changed";
const SETTINGS: &str = "config:invalidate";
const SESSION: &str = "session:changed";
const ROTATED: &str = "overlay:rotated";
const CONSENT: &str = "consent:given";
const REFUSED: &str = "chat:refused";
const JOINED: &str = "listener:joined";

/// All channels.
pub const CHANNELS: [&str; 7] = [SENTIMENT, SETTINGS, SESSION, ROTATED, CONSENT, REFUSED, JOINED];

pub(super) fn encode(signal: &Signal, origin: &InstanceId) -> (&'static str, String) {
    match signal {
        Signal::SentimentChanged(overlay) => (SENTIMENT, format!("{origin} {overlay}")),
        Signal::SettingsChanged { overlay, broadcaster } => {
            (SETTINGS, format!("{origin} {overlay} {broadcaster}"))
        }
        Signal::SessionChanged(broadcaster) => (SESSION, format!("{origin} {broadcaster}")),
        Signal::OverlayRotated(overlay) => (ROTATED, format!("{origin} {overlay}")),
        Signal::ConsentGiven(user) => (CONSENT, format!("{origin} {user}")),
        Signal::ChatRefused(broadcaster) => (REFUSED, format!("{origin} {broadcaster}")),
        Signal::ListenerJoined => (JOINED, format!("{origin} -")),
    }
}

/// The sender and what it says. More words than we know are a newer version's.
pub(super) fn decode<'a>(channel: &str, text: &'a str) -> Option<(&'a str, Signal)> {
    let mut words = text.split(' ');
    let (origin, first) = (words.next()?, words.next()?);
    let overlay = || first.parse::<OverlayId>().ok();
    let signal = match channel {
        SENTIMENT => Signal::SentimentChanged(overlay()?),
        SETTINGS => {
            let broadcaster = words.next()?.parse().ok()?;
            Signal::SettingsChanged { overlay: overlay()?, broadcaster }
        }
        SESSION => Signal::SessionChanged(first.parse().ok()?),
        ROTATED => Signal::OverlayRotated(overlay()?),
        CONSENT => Signal::ConsentGiven(first.parse().ok()?),
        REFUSED => Signal::ChatRefused(first.parse().ok()?),
        JOINED => Signal::ListenerJoined,
        _ => return None,
    };
    Some((origin, signal))
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::{ChannelId, Platform};

    use super::*;

    #[test]
    fn every_signal_comes_back_as_it_went() {
        let (overlay, origin) = (OverlayId::random(), InstanceId::new("host-1-abc").unwrap());
        let broadcaster = ChannelId::new(Platform::Twitch, "42").unwrap();
        let all = [
            Signal::SentimentChanged(overlay),
            Signal::SettingsChanged { overlay, broadcaster: broadcaster.clone() },
            Signal::SessionChanged(broadcaster.clone()),
            Signal::OverlayRotated(overlay),
            Signal::ConsentGiven("42".parse().unwrap()),
            Signal::ChatRefused(broadcaster),
            Signal::ListenerJoined,
        ];
        for signal in all {
            let (channel, text) = encode(&signal, &origin);
            assert!(CHANNELS.contains(&channel));
            assert_eq!(decode(channel, &text), Some(("host-1-abc", signal.clone())));
            assert_eq!(decode(channel, &format!("{text} more")), Some(("host-1-abc", signal)));
        }
    }

    #[test]
    fn anything_else_is_no_signal() {
        for text in ["", "origin", "origin nonsense", " "] {
            assert_eq!(decode(SENTIMENT, text), None, "{text:?}");
            assert_eq!(decode(SETTINGS, text), None, "{text:?}");
        }
        assert_eq!(decode("another:channel", "a b"), None);
    }
}
