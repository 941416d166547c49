//! Notices above the board: what became of a save, what the bot needs, what moderators changed.

use chatpulse_domain::overlay::PauseState;
use maud::{Markup, html};

/// Everything a streamer should know before anything else.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    /// What became of the last save without script.
    pub(crate) saving: Option<Notice>,
    /// What the bot still needs, if anything.
    pub(crate) bot: Option<BotHint>,
    /// Whether votes are paused and the overlay is hidden.
    pub(crate) pause_state: PauseState,
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Stored and on stream.
    Saved,
    /// Refused: another tab was first. What was typed is in the form.
    ChangedElsewhere,
    /// Refused: see the fields.
    Invalid,
}

/// What the bot still needs before chat can be read.
#[derive(Debug, Clone)]
pub(crate) struct BotHint {
    /// What is missing, as a sentence.
    pub(crate) words: String,
    /// What the link does, such as "Connect the bot".
    pub(crate) link_label: String,
    /// Where it leads, such as `/auth/start?role=bot`.
    pub(crate) href: String,
}

pub(super) fn notices(notices: &Notices, csrf_token: &str) -> Markup {
    html! {
        div.notices {
            @if let Some(bot) = &notices.bot {
                div.notice.notice-warn data-bot-hint {
                    p { (bot.words) }
                    a.button.button-small href=(bot.href) { (bot.link_label) }
                }
            }
            (pause_notices(notices.pause_state, csrf_token))
            @if let Some(notice) = notices.saving { (saving(notice)) }
        }
    }
}

/// Paused votes and a hidden overlay, each with a button that undoes it. The script shows and hides them live.
fn pause_notices(state: PauseState, csrf_token: &str) -> Markup {
    html! {
        div.pause-notices role="status" {
            div.notice.notice-warn data-pause-notice="paused" hidden[!state.paused] {
                p { strong { "Votes are paused. " } "A moderator typed " code.notranslate translate="no" { "!pulse pause" } "." }
                (undo("resume", "Resume voting", csrf_token))
            }
            div.notice.notice-warn data-pause-notice="hidden" hidden[!state.hidden] {
                p { strong { "The overlay is hidden. " } "A moderator typed " code.notranslate translate="no" { "!pulse hide" } "." }
                (undo("show", "Show overlay", csrf_token))
            }
        }
    }
}

fn undo(order: &str, words: &str, csrf_token: &str) -> Markup {
    html! {
        form method="post" action="/dashboard/stage" {
            input type="hidden" name="csrf_token" value=(csrf_token);
            button.button.button-small type="submit" name="order" value=(order) { (words) }
        }
    }
}

fn saving(notice: Notice) -> Markup {
    html! {
        @match notice {
            Notice::Saved => {
                p.notice.notice-good role="status" data-notice="saved" { "Saved. Your overlay shows it now." }
            }
            Notice::ChangedElsewhere => {
                div.notice.notice-warn role="alert" data-notice="changed-elsewhere" {
                    p {
                        strong { "Not saved: these settings were changed in another tab. " }
                        "What you typed is still below. Save again to replace the newer settings with it, or load them instead."
                    }
                    a.button.button-small href="/dashboard" { "Load the newer settings" }
                }
            }
            Notice::Invalid => {
                p.notice.notice-bad role="alert" data-notice="invalid" {
                    strong { "Not saved yet. " }
                    "Correct the marked fields, then save again. Nothing you typed is lost."
                }
            }
        }
    }
}
