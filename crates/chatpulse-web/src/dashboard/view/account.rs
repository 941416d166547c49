//! The account: menu in the top bar, export and deletion below the settings.

use maud::{Markup, html};

use super::DashboardPage;
use crate::layout::verbatim;

/// The menu behind the account's initial.
pub(super) fn menu(display_name: &str, csrf_token: &str) -> Markup {
    html! {
        details.menu data-menu {
            summary aria-label="Account menu" {
                span.avatar.notranslate translate="no" aria-hidden="true" { (initial(display_name)) }
            }
            div.menu-body {
                p.menu-name { "Logged in as " strong.notranslate translate="no" { (display_name) } }
                (logout("/auth/logout", "Log out", csrf_token))
                (logout("/auth/logout?everywhere=1", "Log out on all devices", csrf_token))
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

/// Export and deletion of everything that is stored about the streamer.
pub(super) fn own_data(page: &DashboardPage) -> Markup {
    html! {
        section.card.own-data aria-labelledby="own-title" {
            h2 #own-title { "Your data" }
            p.card-lead { "Your name, your overlay URL, your logins and these settings. Votes are kept only as long as the bar counts them." }
            a.button.button-raised href="/dashboard/export" download { "Download my data" }
            details.leaving {
                summary { "Delete my account" }
                @if page.login_is_recent { (deletion(&page.login, &page.csrf_token)) } @else { (login_first()) }
            }
        }
    }
}

fn deletion(login: &str, csrf_token: &str) -> Markup {
    html! {
        form method="post" action="/dashboard/delete-account" {
            input type="hidden" name="csrf_token" value=(csrf_token);
            p {
                "Everything is deleted at once, your overlay URL stops working, and ChatPulse is disconnected from Twitch. "
                strong { "This can’t be undone." }
            }
            label.field-label for="confirm" { "Type " (verbatim(login)) " to confirm" }
            input.field.notranslate #confirm translate="no" name="confirm" autocomplete="off" autocapitalize="off" spellcheck="false" required;
            button.button.button-danger type="submit" { "Delete my account" }
        }
    }
}

/// The way to deletion for somebody whose login is not recent.
fn login_first() -> Markup {
    html! {
        div.leaving-first {
            p { "You logged in more than ten minutes ago. Log in again first, so that nobody else deletes your account in your browser." }
            a.button.button-raised href="/auth/start" { "Log in again" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_letters_still_has_an_avatar() {
        assert_eq!(initial("_ann"), "A");
        assert_eq!(initial("__"), "•");
    }
}
