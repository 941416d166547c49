//! Commands of moderators in chat: `!pulse reset`, `pause`, `resume`, `hide`, `show`.

use crate::normalize::Normalized;

/// The first word of a command.
pub(crate) const CALL: &str = "!pulse";

/// A command of a moderator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModCommand {
    /// Move the bar to the centre; a share starts again from zero.
    Reset,
    /// Stop counting votes.
    Pause,
    /// Count votes again.
    Resume,
    /// Hide the overlay.
    Hide,
    /// Show the overlay again.
    Show,
}

/// A change of [`PauseState`](crate::overlay::PauseState). `None` leaves a part as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PauseChange {
    /// Whether votes are paused.
    pub paused: Option<bool>,
    /// Whether the overlay is hidden.
    pub hidden: Option<bool>,
}

impl ModCommand {
    /// The command that a line of chat is, whoever typed it. The whole line is compared.
    pub fn parse(line: &Normalized) -> Option<Self> {
        Some(match line.as_str().strip_prefix(CALL)?.strip_prefix(' ')? {
            "reset" => Self::Reset,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "hide" => Self::Hide,
            "show" => Self::Show,
            _ => return None,
        })
    }

    /// What it pauses or hides; `None` for a reset.
    pub fn pause_change(self) -> Option<PauseChange> {
        match self {
            Self::Reset => None,
            Self::Pause => Some(PauseChange { paused: Some(true), ..PauseChange::default() }),
            Self::Resume => Some(PauseChange { paused: Some(false), ..PauseChange::default() }),
            Self::Hide => Some(PauseChange { hidden: Some(true), ..PauseChange::default() }),
            Self::Show => Some(PauseChange { hidden: Some(false), ..PauseChange::default() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::normalize;

    fn command_in(text: &str) -> Option<ModCommand> {
        ModCommand::parse(&normalize(text))
    }

    #[test]
    fn a_command_is_the_whole_line_however_it_is_typed() {
        assert_eq!(command_in("!pulse reset"), Some(ModCommand::Reset));
        assert_eq!(command_in("  !PULSE   Hide \u{34f}"), Some(ModCommand::Hide));
        assert_eq!(command_in("！pulse reset"), Some(ModCommand::Reset), "a full-width exclamation mark");
        for none in
            ["!pulse", "!pulse reset now", "!pulsereset", "pulse reset", "say !pulse reset", "!pulse dance"]
        {
            assert_eq!(command_in(none), None, "{none}");
        }
    }

    #[test]
    fn each_command_has_its_word_and_its_effect() {
        let paused = |paused| Some(PauseChange { paused: Some(paused), hidden: None });
        let hidden = |hidden| Some(PauseChange { paused: None, hidden: Some(hidden) });
        for (text, command, change) in [
            ("!pulse reset", ModCommand::Reset, None),
            ("!pulse pause", ModCommand::Pause, paused(true)),
            ("!pulse resume", ModCommand::Resume, paused(false)),
            ("!pulse hide", ModCommand::Hide, hidden(true)),
            ("!pulse show", ModCommand::Show, hidden(false)),
        ] {
            assert_eq!(command_in(text), Some(command));
            assert_eq!(command.pause_change(), change, "{text}");
        }
    }
}
