//! The dashboard: settings on the left, the real overlay and its URL on the right.
//!
//! [`page`] puts the parts together; each part is a file that knows no other: `settings.rs` draws the form from the table
//! in `fields.rs`, `field.rs` one field, `sidebar.rs` preview, URL and numbers. The form works without script;
//! `assets/dashboard.js` saves in place, counts changes and shows what chat does.

mod account;
mod field;
mod logins;
mod notices;
mod settings;
mod sidebar;

use maud::{Markup, html};

use super::form::SettingsForm;
use super::try_line::TriedLine;
use crate::assets::{self, File};
use crate::layout;

pub(crate) use logins::Login;
pub(crate) use notices::{BotHint, Notice, Notices};

/// Everything the dashboard shows, already looked up.
#[derive(Debug, Clone)]
pub(crate) struct DashboardPage {
    /// The streamer's name as Twitch spells it.
    pub(crate) display_name: String,
    /// The streamer's login name; drafts kept in the browser belong to it.
    pub(crate) login: String,
    /// Goes into every form, and into the header of every call by script.
    pub(crate) csrf_token: String,
    /// The URL to paste into OBS, with scheme and host.
    pub(crate) overlay_url: String,
    /// `/overlay/UUID`, for the preview.
    pub(crate) overlay_path: String,
    /// The UUID alone, for the reset call.
    pub(crate) overlay_id: String,
    /// The settings, stored or as typed.
    pub(crate) form: SettingsForm,
    /// A line of chat that was tried.
    pub(crate) tried: Option<TriedLine>,
    /// What the streamer should know before anything else.
    pub(crate) notices: Notices,
    /// Chat is so fast right now that not every vote counts.
    pub(crate) limited: bool,
    /// Where the streamer is logged in.
    pub(crate) logins: Vec<Login>,
    /// Whether the login is recent enough to delete the account.
    pub(crate) login_is_recent: bool,
}

/// The dashboard page.
pub(crate) fn page(page: &DashboardPage) -> Markup {
    let first_trigger = page.form.rows("for_trigger").first().map_or("yes", String::as_str);
    let body = html! {
        a.skip href="#settings" { "Skip to the settings" }
        (top(page))
        main.board data-board data-login=(page.login) data-name=(page.display_name)
            data-overlay-id=(page.overlay_id) {
            h1.visually-hidden { "Your overlay" }
            (notices::notices(&page.notices, &page.csrf_token))
            (sidebar::first_steps(first_trigger))
            div.board-left {
                (settings::form(&page.form, page.tried.as_ref(), &page.csrf_token))
                (logins::logins(&page.logins, &page.csrf_token))
                (account::own_data(page))
            }
            div.board-right {
                (sidebar::preview(&page.overlay_path))
                (sidebar::url(&page.overlay_url))
                (sidebar::numbers(page.limited))
            }
        }
        (sidebar::reset_url_dialog())
    };
    layout::page("Dashboard", &head(), &body)
}

fn head() -> Markup {
    const IMPORTS: [File; 10] = [
        File::ApiJs,
        File::SentenceJs,
        File::ChipsJs,
        File::FieldsJs,
        File::QuestionsJs,
        File::TryLineJs,
        File::SettingsJs,
        File::PreviewJs,
        File::AddressJs,
        File::StatusJs,
    ];
    html! {
        (layout::style(File::DashboardCss))
        (layout::style(File::DashboardFormCss))
        (layout::style(File::DashboardSidebarCss))
        // Before the first paint, so that fields for visitors without script never flash up.
        script src=(assets::url(File::BootJs)) {}
        (layout::module(File::DashboardJs, &IMPORTS))
    }
}

fn top(page: &DashboardPage) -> Markup {
    html! {
        header.top {
            a.top-brand href="/dashboard" { (layout::brand()) }
            p.chat role="status" data-chat="unknown" {
                span.chat-dot aria-hidden="true" {}
                span data-chat-words { (layout::verbatim(&page.display_name)) }
            }
            (account::menu(&page.display_name, &page.csrf_token))
        }
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::label::Label;
    use chatpulse_domain::overlay::{OverlaySettings, PauseState, SettingsVersion, VersionedSettings};
    use chatpulse_domain::trigger_set::TriggerSet;

    use super::*;

    fn build_page() -> DashboardPage {
        let settings = OverlaySettings {
            for_triggers: TriggerSet::parse(["yes", "\"><script>"]).unwrap(),
            left_label: Label::parse("Nö").unwrap(),
            ..OverlaySettings::default()
        };
        let stored =
            VersionedSettings { settings, pause_state: PauseState::default(), version: SettingsVersion(3) };
        DashboardPage {
            display_name: "Ann".to_owned(),
            login: "ann".to_owned(),
            csrf_token: "token-1".to_owned(),
            overlay_url: "https://pulse.example/overlay/8f7a".to_owned(),
            overlay_path: "/overlay/8f7a".to_owned(),
            overlay_id: "8f7a".to_owned(),
            form: SettingsForm::of(&stored),
            tried: None,
            notices: Notices {
                saving: None,
                bot: None,
                clock: None,
                proxy: crate::guard::proxies::ProxyFaults::default(),
                pause_state: PauseState::default(),
            },
            limited: false,
            logins: vec![Login {
                id: "0a".to_owned(),
                browser: "Firefox on Linux".to_owned(),
                started: Some("24 Nov 2026, 16:00 UTC".to_owned()),
                is_this: true,
            }],
            login_is_recent: true,
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
    fn who_logged_in_long_ago_is_asked_to_log_in_before_deleting_the_account() {
        let text = page(&DashboardPage { login_is_recent: false, ..build_page() }).into_string();
        assert!(text.contains("href=\"/auth/start\"") && !text.contains("/dashboard/delete-account"));
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
        dashboard.form.problems.insert("left_label", "Use 50 characters at most.".to_owned());
        dashboard.notices.saving = Some(Notice::Invalid);
        let text = page(&dashboard).into_string();
        assert!(text.contains("Use 50 characters at most."));
        assert!(text.contains(
            "value=\"Nö\" autocomplete=\"off\" aria-describedby=\"below-left_label\" aria-invalid=\"true\""
        ));
    }

    #[test]
    fn the_script_finds_the_table_of_fields() {
        let text = page(&build_page()).into_string();
        assert!(text.contains("data-fields=\"[{"));
        assert!(text.contains("&quot;name&quot;:&quot;left_label&quot;"));
    }
}
