//! What moderators may do to the bar from chat: `!pulse reset`, `pause`, `resume`, `hide`, `show`.

use crate::message::ChatMessage;

/// What such a line begins with.
const CALL: &str = "!pulse";

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModCommand {
    /// Back to the centre; a share begins anew.
    Reset,
    /// Votes count no more.
    Pause,
    /// Votes count again.
    Resume,
    /// Nothing is shown.
    Hide,
    /// The bar is shown again.
    Show,
}

/// What a change of stage leaves as it is, is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageChange {
    /// Whether votes count no more.
    pub paused: Option<bool>,
    /// Whether nothing is shown.
    pub hidden: Option<bool>,
}

impl ModCommand {
    /// What a line orders, whoever typed it. Compared like a trigger, and as a whole.
    pub fn in_message(message: &ChatMessage) -> Option<Self> {
        // Nearly every line ends here.
        if !message.text.contains('!') {
            return None;
        }
        let text = message.vote_text();
        Some(match text.as_str().strip_prefix(CALL)?.strip_prefix(' ')? {
            "reset" => Self::Reset,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "hide" => Self::Hide,
            "show" => Self::Show,
            _ => return None,
        })
    }

    /// What it changes about the stage; `None`: it is about the bar itself.
    pub fn stage(self) -> Option<StageChange> {
        match self {
            Self::Reset => None,
            Self::Pause => Some(StageChange { paused: Some(true), ..StageChange::default() }),
            Self::Resume => Some(StageChange { paused: Some(false), ..StageChange::default() }),
            Self::Hide => Some(StageChange { hidden: Some(true), ..StageChange::default() }),
            Self::Show => Some(StageChange { hidden: Some(false), ..StageChange::default() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ChannelId, ChatterId, MessageId, Platform};

    fn ordered(text: &str) -> Option<ModCommand> {
        ModCommand::in_message(&ChatMessage {
            broadcaster: ChannelId::new(Platform::Twitch, "1").unwrap(),
            chatter: ChatterId::new(Platform::Twitch, "2").unwrap(),
            id: MessageId::new(Platform::Twitch, "3").unwrap(),
            text: text.to_owned(),
            is_reply: false,
            source_broadcaster: None,
            by_moderator: true,
        })
    }

    #[test]
    fn a_command_is_the_whole_line_however_it_is_typed() {
        assert_eq!(ordered("!pulse reset"), Some(ModCommand::Reset));
        assert_eq!(ordered("  !PULSE   Hide \u{34f}"), Some(ModCommand::Hide));
        for none in
            ["!pulse", "!pulse reset now", "!pulsereset", "pulse reset", "say !pulse reset", "!pulse dance"]
        {
            assert_eq!(ordered(none), None, "{none}");
        }
    }
}
