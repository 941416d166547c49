//! Notices above the board: what became of a save, what the bot needs, what moderators changed.

use chatpulse_domain::clock_offset::ClockOffset;
use chatpulse_domain::overlay::PauseState;
use maud::{Markup, html};

use crate::guard::proxies::ProxyFaults;

/// Everything a streamer should know before anything else.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    /// What became of the last save without script.
    pub(crate) saving: Option<Notice>,
    /// What the bot still needs, if anything.
    pub(crate) bot: Option<BotHint>,
    /// How far the server's clock is off, if that is too far for votes.
    pub(crate) clock: Option<ClockOffset>,
    /// What is wrong with the proxy in front of the server.
    pub(crate) proxy: ProxyFaults,
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
            @if let Some(offset) = notices.clock { (clock_is_wrong(offset)) }
            (proxy_is_wrong(notices.proxy))
            (pause_notices(notices.pause_state, csrf_token))
            @if let Some(notice) = notices.saving { (saving(notice)) }
        }
    }
}

fn clock_is_wrong(offset: ClockOffset) -> Markup {
    html! {
        div.notice.notice-bad role="alert" data-clock-notice {
            p {
                strong { "The clock of this server is wrong: it is " (offset) " Twitch’s. " }
                "Votes from chat count only while the two agree within ten minutes. "
                "Whoever runs the server has to set its clock, and to let it follow a time server."
            }
        }
    }
}

fn proxy_is_wrong(faults: ProxyFaults) -> Markup {
    html! {
        @if faults.drops_upgrade {
            div.notice.notice-bad role="alert" data-proxy-notice="upgrade" {
                p {
                    strong { "Overlays cannot connect. " }
                    "A proxy in front of this server drops the header " code { "Upgrade" } ". "
                    "Whoever runs it has to let WebSockets pass for " code { "/ws/" } "."
                }
            }
        }
        @if let Some(network) = faults.untrusted {
            div.notice.notice-warn data-proxy-notice="untrusted" {
                p {
                    strong { "A proxy in front of this server is not trusted. " }
                    "Everybody behind it counts as one address, so limits are reached early. "
                    "If it is your proxy, set " code { "TRUSTED_PROXIES=" (network) } "."
                }
            }
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
