//! What the feeds of several instances tell each other, and how each listens.
//!
//! A note is one line of words in a [`PlatformNote`]. Notes may get lost: an instance that starts, or that missed
//! something, asks for all refusals, and the leader repeats them.

use chatpulse_domain::ids::{ChannelId, ChatterId, Platform};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use chatpulse_domain::ports::signals::{Heard, PlatformNote, Signal};
use tracing::debug;

use super::TwitchFeed;
use super::channel::Event;

/// One note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// Twitch does not allow this account to read this chat until somebody gives consent.
    Refused(ChatChannel),
    /// A chat that was refused is read again.
    Allowed(ChannelId),
    /// This account gave consent.
    Consent(ChatterId),
    /// An instance does not know which chats are refused.
    RefusalsWanted,
}

impl Note {
    pub(super) fn into_signal(self) -> Signal {
        Signal::PlatformNote(PlatformNote { platform: Platform::Twitch, text: self.to_text() })
    }

    fn to_text(&self) -> String {
        match self {
            Self::Refused(ChatChannel { broadcaster, bot }) => format!("refused {broadcaster} {bot}"),
            Self::Allowed(broadcaster) => format!("allowed {broadcaster}"),
            Self::Consent(account) => format!("consent {account}"),
            Self::RefusalsWanted => "refusals-wanted".to_owned(),
        }
    }

    /// `None` for a note of a newer version. Further words are a newer version's, too.
    fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(match words.next()? {
            "refused" => Self::Refused(ChatChannel {
                broadcaster: words.next()?.parse().ok()?,
                bot: words.next()?.parse().ok()?,
            }),
            "allowed" => Self::Allowed(words.next()?.parse().ok()?),
            "consent" => Self::Consent(words.next()?.parse().ok()?),
            "refusals-wanted" => Self::RefusalsWanted,
            _ => return None,
        })
    }
}

impl TwitchFeed {
    /// Listens to the other instances until the signals end.
    pub(super) async fn listen(&self) {
        let mut stream = self.shared.signals.subscribe();
        self.publish(Note::RefusalsWanted);
        loop {
            match stream.next().await {
                Heard::Signal(Signal::SessionChanged(broadcaster)) => {
                    self.change(|state, now| drop(state.channels.apply(&broadcaster, Event::Changed, now)));
                }
                Heard::Signal(Signal::PlatformNote(note)) if note.platform == Platform::Twitch => {
                    self.hear(&note.text);
                }
                Heard::Signal(_) => {}
                Heard::Gap => self.catch_up(),
                Heard::Closed => return,
            }
        }
    }

    pub(super) fn publish(&self, note: Note) {
        self.shared.signals.publish(note.into_signal());
    }

    fn hear(&self, text: &str) {
        let Some(note) = Note::from_text(text) else {
            return debug!(text, "skipped a note of an unknown kind");
        };
        self.change(|state, now| match note {
            Note::Refused(channel) => state.channels.refused_elsewhere(&channel, now),
            Note::Allowed(broadcaster) => drop(state.channels.apply(&broadcaster, Event::Consent, now)),
            Note::Consent(account) => state.channels.consent(&account, now),
            Note::RefusalsWanted => state.are_refusals_wanted = true,
        });
    }

    /// Notes, and sessions that ended, may have been missed.
    fn catch_up(&self) {
        self.change(|state, now| state.channels.consent_of_all(now));
        self.publish(Note::RefusalsWanted);
        self.look_for_leftovers();
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_testkit::builders as build;

    use super::*;

    #[test]
    fn every_note_is_read_back_as_it_was_written() {
        let (broadcaster, bot) = (build::user("42").channel(), build::user("7").chatter());
        let all = [
            Note::Refused(ChatChannel { broadcaster: broadcaster.clone(), bot: bot.clone() }),
            Note::Allowed(broadcaster),
            Note::Consent(bot),
            Note::RefusalsWanted,
        ];
        for note in all {
            let text = note.to_text();
            assert_eq!(Note::from_text(&text), Some(note.clone()));
            assert_eq!(Note::from_text(&format!("{text} of-a-newer-version")), Some(note));
        }
    }

    #[test]
    fn a_note_that_cannot_be_read_is_skipped() {
        for text in ["", "refused", "refused 42", "refused é 7", "of-a-newer-version 42"] {
            assert_eq!(Note::from_text(text), None, "{text:?}");
        }
    }
}
