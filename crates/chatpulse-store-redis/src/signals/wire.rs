//! The messages of signals: one channel for each kind; the text is words separated by spaces, and the first is the
//! sender.

use chatpulse_domain::ids::{InstanceId, OverlayId, Platform};
use chatpulse_domain::ports::signals::{PlatformNote, Signal};

const SENTIMENT: &str = "sentiment:changed";
const SETTINGS: &str = "config:invalidate";
const SESSION: &str = "session:changed";
const ROTATED: &str = "overlay:rotated";
/// What the parts of one platform tell each other.
const NOTE: &str = "platform:note";

/// All channels.
pub const CHANNELS: [&str; 5] = [SENTIMENT, SETTINGS, SESSION, ROTATED, NOTE];

/// The channels of one database. Redis has them in common for all its databases, so two deployments on one server would
/// hear each other.
#[derive(Debug, Clone)]
pub(super) struct Channels {
    /// Empty for database 0.
    prefix: String,
}

impl Channels {
    pub(super) fn of_database(number: u8) -> Self {
        Self { prefix: if number == 0 { String::new() } else { format!("db{number}:") } }
    }

    /// The full names of all channels.
    pub(super) fn names(&self) -> Vec<String> {
        CHANNELS.iter().map(|channel| self.name(channel)).collect()
    }

    /// The full name of a channel.
    pub(super) fn name(&self, channel: &str) -> String {
        format!("{}{channel}", self.prefix)
    }

    /// The channel with this full name.
    pub(super) fn find(&self, name: &str) -> Option<&'static str> {
        let name = name.strip_prefix(&self.prefix)?;
        CHANNELS.into_iter().find(|channel| *channel == name)
    }
}

pub(super) fn encode(signal: &Signal, origin: &InstanceId) -> (&'static str, String) {
    match signal {
        Signal::SentimentChanged(overlay) => (SENTIMENT, format!("{origin} {overlay}")),
        Signal::SettingsChanged { overlay, broadcaster } => {
            (SETTINGS, format!("{origin} {overlay} {broadcaster}"))
        }
        Signal::SessionChanged(broadcaster) => (SESSION, format!("{origin} {broadcaster}")),
        Signal::OverlayRotated(overlay) => (ROTATED, format!("{origin} {overlay}")),
        Signal::PlatformNote(PlatformNote { platform, text }) => {
            (NOTE, format!("{origin} {} {text}", platform.name()))
        }
    }
}

/// Returns the sender and the signal. Further words are those of a newer version.
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
        // The platform's own text, whatever it contains.
        NOTE => {
            let text = text.splitn(3, ' ').nth(2)?.to_owned();
            Signal::PlatformNote(PlatformNote { platform: Platform::named(first)?, text })
        }
        _ => return None,
    };
    Some((origin, signal))
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::ChannelId;

    use super::*;

    #[test]
    fn every_signal_round_trips() {
        let (overlay, origin) = (OverlayId::random(), InstanceId::new("host-1-abc").unwrap());
        let broadcaster = ChannelId::new(Platform::Twitch, "42").unwrap();
        let all = [
            Signal::SentimentChanged(overlay),
            Signal::SettingsChanged { overlay, broadcaster: broadcaster.clone() },
            Signal::SessionChanged(broadcaster),
            Signal::OverlayRotated(overlay),
        ];
        for signal in all {
            let (channel, text) = encode(&signal, &origin);
            assert!(CHANNELS.contains(&channel));
            assert_eq!(decode(channel, &text), Some(("host-1-abc", signal.clone())));
            assert_eq!(decode(channel, &format!("{text} more")), Some(("host-1-abc", signal)));
        }
    }

    #[test]
    fn a_platforms_note_keeps_its_text_whatever_it_contains() {
        let origin = InstanceId::new("host-1-abc").unwrap();
        for text in ["refused 42 7", "", " two  spaces ", "ünïcode"] {
            let signal =
                Signal::PlatformNote(PlatformNote { platform: Platform::Twitch, text: text.to_owned() });
            let (channel, message) = encode(&signal, &origin);
            assert_eq!(channel, "platform:note");
            assert_eq!(decode(channel, &message), Some(("host-1-abc", signal)));
        }
        assert_eq!(decode(NOTE, "host-1-abc unheard-of text"), None);
        assert_eq!(decode(NOTE, "host-1-abc twitch"), None);
    }

    #[test]
    fn each_database_has_channels_of_its_own() {
        let (zero, one) = (Channels::of_database(0), Channels::of_database(1));
        assert_eq!(zero.names(), CHANNELS);
        assert_eq!(one.name(SETTINGS), "db1:config:invalidate");
        assert_eq!(one.find("db1:config:invalidate"), Some(SETTINGS));
        for name in ["config:invalidate", "db11:config:invalidate", "db1:other"] {
            assert_eq!(one.find(name), None, "{name}");
        }
        assert_eq!(zero.find("db1:config:invalidate"), None);
    }

    #[test]
    fn malformed_messages_are_no_signal() {
        for text in ["", "origin", "origin nonsense", " "] {
            assert_eq!(decode(SENTIMENT, text), None, "{text:?}");
            assert_eq!(decode(SETTINGS, text), None, "{text:?}");
        }
        assert_eq!(decode("another:channel", "a b"), None);
    }
}
