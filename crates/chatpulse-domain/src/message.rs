//! One line of chat, whichever platform and transport delivered it.

use crate::ids::{ChannelId, ChatterId, MessageId};
use crate::normalize::{Normalized, normalize};

/// The control character at both ends of a `/me` line.
const ACTION_MARK: char = '\u{1}';

/// One line of chat from a verified sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// The channel that it was delivered for.
    pub broadcaster: ChannelId,
    /// Who typed it.
    pub chatter: ChatterId,
    /// Equal for repeated deliveries: the chat message's own id, or the transport's if it has none.
    pub id: MessageId,
    /// The line as typed, `/me` wrapper and reply mention included.
    pub text: String,
    /// The line as its platform takes it apart: without cheers, and with the emote for each of its variants. `None` where
    /// it has neither. Forgiving matching reads it too.
    pub plain_text: Option<String>,
    /// Whether it answers another line. Its text then starts with `@name `.
    pub is_reply: bool,
    /// The channel where it was typed, when Shared Chat copied it here; `None` otherwise.
    pub source_broadcaster: Option<ChannelId>,
    /// Whether the broadcaster or a moderator of `broadcaster` typed it.
    pub by_moderator: bool,
}

impl ChatMessage {
    /// Whether it was typed in another channel's chat and copied here by Shared Chat.
    pub fn is_from_elsewhere(&self) -> bool {
        self.source_broadcaster.as_ref().is_some_and(|source| *source != self.broadcaster)
    }

    /// What is compared with triggers: without `/me` wrapper and reply mention, normalised.
    pub fn vote_text(&self) -> VoteText {
        let text = without_action_wrapper(&self.text);
        let text = if self.is_reply { without_leading_mention(text) } else { text };
        VoteText { line: normalize(text), plain: self.plain_text.as_deref().map(normalize) }
    }
}

/// What is compared with triggers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteText {
    /// What was typed.
    pub line: Normalized,
    /// [`ChatMessage::plain_text`].
    pub plain: Option<Normalized>,
}

impl VoteText {
    /// Something that somebody might type, without cheers or variants of emotes.
    pub fn of(typed: &str) -> Self {
        Self { line: normalize(typed), plain: None }
    }

    /// The texts that forgiving matching looks at.
    pub(crate) fn readings(&self) -> impl Iterator<Item = &Normalized> {
        std::iter::once(&self.line).chain(&self.plain)
    }
}

/// `\u{1}ACTION votes yes\u{1}` becomes `votes yes`; an incomplete wrapper stays.
fn without_action_wrapper(text: &str) -> &str {
    text.strip_prefix(ACTION_MARK)
        .and_then(|rest| rest.strip_prefix("ACTION "))
        .and_then(|rest| rest.strip_suffix(ACTION_MARK))
        .unwrap_or(text)
}

/// `@Name yes` becomes `yes`. A mention is `@` and everything up to the first white space, which must be a space.
fn without_leading_mention(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('@') else {
        return text;
    };
    let after_mention = rest.find(char::is_whitespace).and_then(|end| rest[end..].strip_prefix(' '));
    after_mention.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Platform;

    fn message(text: &str) -> ChatMessage {
        ChatMessage {
            broadcaster: ChannelId::new(Platform::Twitch, "1").unwrap(),
            chatter: ChatterId::new(Platform::Twitch, "2").unwrap(),
            id: MessageId::new(Platform::Twitch, "3").unwrap(),
            text: text.into(),
            plain_text: None,
            is_reply: false,
            source_broadcaster: None,
            by_moderator: false,
        }
    }

    fn reply(text: &str) -> ChatMessage {
        ChatMessage { is_reply: true, ..message(text) }
    }

    #[test]
    fn a_complete_me_wrapper_is_taken_off() {
        assert_eq!(message("\u{1}ACTION yes\u{1}").vote_text().line.as_str(), "yes");
        assert_ne!(message("\u{1}ACTION yes").vote_text().line.as_str(), "yes");
        assert_ne!(message("\u{1}action yes\u{1}").vote_text().line.as_str(), "yes");
    }

    #[test]
    fn a_reply_loses_its_one_leading_mention() {
        assert_eq!(reply("@Parent yes").vote_text().line.as_str(), "yes");
        assert_eq!(reply("@Parent @Other yes").vote_text().line.as_str(), "@other yes");
        assert_eq!(reply("@ yes").vote_text().line.as_str(), "yes");
        assert_eq!(reply("@Parent\tyes").vote_text().line.as_str(), "@parent yes");
        assert_eq!(reply("\u{1}ACTION @Parent yes\u{1}").vote_text().line.as_str(), "yes");
        assert_eq!(reply("@Parent").vote_text().line.as_str(), "@parent");
    }

    #[test]
    fn a_mention_outside_a_reply_stays() {
        assert_eq!(message("@Parent yes").vote_text().line.as_str(), "@parent yes");
    }

    #[test]
    fn only_another_source_channel_is_elsewhere() {
        let own =
            ChatMessage { source_broadcaster: ChannelId::new(Platform::Twitch, "1").ok(), ..message("yes") };
        let foreign =
            ChatMessage { source_broadcaster: ChannelId::new(Platform::Twitch, "9").ok(), ..message("yes") };
        assert!(!message("yes").is_from_elsewhere());
        assert!(!own.is_from_elsewhere());
        assert!(foreign.is_from_elsewhere());
    }
}
