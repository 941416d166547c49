//! Where the streamer is logged in, with a button that ends each login.

use maud::{Markup, html};

/// One login, as the list shows it.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// What the form sends back.
    pub(crate) id: String,
    /// The browser in words; empty if it is unknown.
    pub(crate) browser: String,
    /// When it began, in words.
    pub(crate) started: Option<String>,
    /// The login of the page itself.
    pub(crate) is_this: bool,
}

/// The list.
pub(super) fn logins(logins: &[Login], csrf_token: &str) -> Markup {
    html! {
        section.card.logins #logins aria-labelledby="logins-title" {
            h2 #logins-title { "Where you’re logged in" }
            p.card-lead { "Log out what you don’t recognise. Your overlay keeps running." }
            ul.login-list {
                @for login in logins { (row(login, csrf_token)) }
            }
        }
    }
}

fn row(login: &Login, csrf_token: &str) -> Markup {
    let browser = if login.browser.is_empty() { "Unknown browser" } else { &login.browser };
    html! {
        li.login-row {
            p.login-browser {
                strong { (browser) }
                @if login.is_this { " " span.login-this { "This browser" } }
            }
            p.login-since {
                @match &login.started {
                    Some(started) => { "Since " (started) },
                    None => { "Since an earlier version" },
                }
            }
            form method="post" action="/dashboard/end-login" {
                input type="hidden" name="csrf_token" value=(csrf_token);
                input type="hidden" name="login" value=(login.id);
                button.button.button-raised type="submit" aria-label={ "Log out " (browser) } { "Log out" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_of_an_unknown_browser_can_be_ended_too() {
        let one = Login { id: "0a".to_owned(), browser: String::new(), started: None, is_this: false };
        let text = logins(&[one], "token-1").into_string();
        for part in ["Unknown browser", "name=\"login\" value=\"0a\"", "value=\"token-1\""] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("This browser"));
    }
}
