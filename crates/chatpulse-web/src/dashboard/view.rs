//! The dashboard: settings on the left, the real overlay and its address on the right.
//!
//! Read [`page`] for the whole, `settings.rs` for the form, `side.rs` for preview, address and
//! numbers. The form works without script; `assets/dashboard.js` saves in place, counts
//! changes and shows what chat does.

mod look;
mod measure;
mod settings;
mod side;

use chatpulse_domain::overlay::PauseState;
use maud::{Markup, html};

use crate::assets::File;
use crate::layout;

pub(crate) use settings::{Boxes, Choices, FormProblems, SettingsForm};

/// Everything the dashboard shows, already looked up.
#[derive(Debug, Clone)]
pub(crate) struct DashboardPage {
    /// The streamer's name as Twitch spells it.
    pub(crate) display_name: String,
    /// The streamer's login name; drafts kept in the browser belong to it.
    pub(crate) login: String,
    /// Goes into every form, and into the header of every call by script.
    pub(crate) csrf_token: String,
    /// The address to paste into OBS, with scheme and host.
    pub(crate) overlay_url: String,
    /// `/overlay/UUID`, for the preview.
    pub(crate) overlay_path: String,
    /// The UUID alone, for the reset call.
    pub(crate) overlay_id: String,
    /// The settings, stored or as typed.
    pub(crate) form: SettingsForm,
    /// What became of the last save without script.
    pub(crate) notice: Option<Notice>,
    /// What the bot still needs, if anything.
    pub(crate) bot: Option<BotHint>,
    /// Chat is so fast right now that not every vote counts.
    pub(crate) limited: bool,
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

/// The dashboard page.
pub(crate) fn page(page: &DashboardPage) -> Markup {
    let body = html! {
        a.skip href="#settings" { "Skip to the settings" }
        (top(page))
        main.board data-board data-login=(page.login) data-name=(page.display_name)
            data-overlay-id=(page.overlay_id) {
            h1.visually-hidden { "Your overlay" }
            (notices(page))
            (side::first_steps(&page.form))
            div.board-left {
                (settings::form(page))
                (side::own_data(page))
            }
            div.board-right {
                (side::preview(page))
                (side::address(page))
                (side::numbers(page.limited))
            }
        }
        (side::rotate_dialog())
    };
    layout::page("Dashboard", &head(), &body)
}

fn head() -> Markup {
    const IMPORTS: [File; 7] = [
        File::ApiJs,
        File::ChipsJs,
        File::FieldsJs,
        File::SettingsJs,
        File::PreviewJs,
        File::AddressJs,
        File::StatusJs,
    ];
    html! {
        (layout::style(File::DashboardCss))
        (layout::style(File::DashboardFormCss))
        (layout::style(File::DashboardSideCss))
        // Before the first paint, so that fields for readers without script never flash up.
        script src=(crate::assets::url(File::BootJs)) {}
        (layout::module(File::DashboardJs, &IMPORTS))
    }
}

fn top(page: &DashboardPage) -> Markup {
    html! {
        header.top {
            a.top-brand href="/dashboard" { (layout::brand()) }
            p.chat role="status" data-chat="unknown" {
                span.chat-dot aria-hidden="true" {}
                span data-chat-words { (page.display_name) }
            }
            details.menu data-menu {
                summary aria-label="Account menu" {
                    span.avatar aria-hidden="true" { (initial(&page.display_name)) }
                }
                div.menu-body {
                    p.menu-name { "Logged in as " strong { (page.display_name) } }
                    (logout("/auth/logout", "Log out", &page.csrf_token))
                    (logout("/auth/logout?everywhere=1", "Log out on all devices", &page.csrf_token))
                }
            }
        }
    }
}

fn logout(action: &str, words: &str, csrf_token: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name="csrf_token" value=(csrf_token);
            button.menu-item type="submit" { (words) }
        }
    }
}

/// The letter in the account circle. No picture is fetched from Twitch: pages load nothing from elsewhere.
fn initial(display_name: &str) -> String {
    display_name
        .chars()
        .find(|char| char.is_alphanumeric())
        .map_or_else(|| "•".to_owned(), |char| char.to_uppercase().collect())
}

/// Paused votes and a hidden overlay, each with a button that undoes it. The script shows and hides them live.
fn pause_notices(page: &DashboardPage) -> Markup {
    html! {
        div role="status" {
            div.notice.notice-warn data-pause-notice="paused" hidden[!page.pause_state.paused] {
                p { strong { "Votes are paused. " } "A moderator typed " code { "!pulse pause" } "." }
                (undo("resume", "Count votes again", &page.csrf_token))
            }
            div.notice.notice-warn data-pause-notice="hidden" hidden[!page.pause_state.hidden] {
                p { strong { "The overlay is hidden. " } "A moderator typed " code { "!pulse hide" } "." }
                (undo("show", "Show the overlay", &page.csrf_token))
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

fn notices(page: &DashboardPage) -> Markup {
    html! {
        div.notices {
            @if let Some(bot) = &page.bot {
                div.notice.notice-warn data-bot-hint {
                    p { (bot.words) }
                    a.button.button-small href=(bot.href) { (bot.link_label) }
                }
            }
            (pause_notices(page))
            @match page.notice {
                Some(Notice::Saved) => {
                    p.notice.notice-good role="status" data-notice="saved" { "Saved. Your overlay shows it now." }
                }
                Some(Notice::ChangedElsewhere) => {
                    div.notice.notice-warn role="alert" data-notice="changed-elsewhere" {
                        p {
                            strong { "Not saved: these settings were changed in another tab. " }
                            "What you typed is still below. Save again to replace the newer settings with it, or load them instead."
                        }
                        a.button.button-small href="/dashboard" { "Load the newer settings" }
                    }
                }
                Some(Notice::Invalid) => {
                    p.notice.notice-bad role="alert" data-notice="invalid" {
                        strong { "Not saved yet. " }
                        "Something needs another look; it’s marked below. Nothing you typed is lost."
                    }
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_page() -> DashboardPage {
        DashboardPage {
            display_name: "Ann".to_owned(),
            login: "ann".to_owned(),
            csrf_token: "token-1".to_owned(),
            overlay_url: "https://pulse.example/overlay/8f7a".to_owned(),
            overlay_path: "/overlay/8f7a".to_owned(),
            overlay_id: "8f7a".to_owned(),
            form: SettingsForm {
                for_triggers: vec!["yes".to_owned(), "\"><script>".to_owned()],
                against_triggers: vec!["no".to_owned()],
                left_label: "Against".to_owned(),
                right_label: "For".to_owned(),
                decay_speed: "0.5".to_owned(),
                version: "3".to_owned(),
                problems: FormProblems::default(),
                choices: Choices::default(),
            },
            notice: None,
            bot: None,
            limited: false,
            pause_state: PauseState::default(),
        }
    }

    #[test]
    fn what_was_typed_is_text() {
        let text = page(&build_page()).into_string();
        assert!(text.contains("value=\"&quot;&gt;&lt;script&gt;\""));
    }

    #[test]
    fn every_form_carries_the_token() {
        let text = page(&build_page()).into_string();
        assert_eq!(
            text.matches("<form").count(),
            text.matches("name=\"csrf_token\" value=\"token-1\"").count()
        );
    }

    #[test]
    fn nothing_is_inline() {
        let text = page(&build_page()).into_string();
        assert!(!text.contains("style=") && !text.contains("<style") && !text.contains("<script>"));
        assert!(!text.contains(" onclick") && !text.contains("javascript:"));
    }

    #[test]
    fn a_problem_stands_beside_its_field_and_keeps_the_value() {
        let mut dashboard = build_page();
        dashboard.form.left_label = "x".repeat(51);
        dashboard.form.problems.left_label = Some("Use 50 characters at most.".to_owned());
        dashboard.notice = Some(Notice::Invalid);
        let text = page(&dashboard).into_string();
        assert!(text.contains("Use 50 characters at most."));
        assert!(text.contains(&"x".repeat(51)));
        assert!(text.contains("aria-invalid=\"true\""));
    }

    #[test]
    fn a_name_without_letters_still_has_an_avatar() {
        assert_eq!(initial("_ann"), "A");
        assert_eq!(initial("__"), "•");
    }
}
