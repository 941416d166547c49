//! The consent page: account, requested scopes, accept or deny.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::config::SimUser;
use crate::tokens::Scopes;

/// The contents of the page.
pub(crate) struct ConsentPage<'a> {
    /// Host of the redirect URL.
    pub(crate) application: &'a str,
    pub(crate) scopes: &'a Scopes,
    pub(crate) users: &'a [SimUser],
    /// Id of the preselected user.
    pub(crate) chosen: &'a str,
    /// Hidden form parameters.
    pub(crate) hidden: Vec<(&'a str, &'a str)>,
}

const STYLE: &str = include_str!("page.css");

/// Renders the page.
pub(crate) fn consent(page: &ConsentPage<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Authorize - Simulated Twitch" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    p.badge { "Simulated Twitch" }
                    h1 { "Authorize an application" }
                    p { "The application at " strong translate="no" { (page.application) } " would like to use your account." }
                    form method="post" action="authorize" {
                        @for (name, value) in &page.hidden {
                            input type="hidden" name=(name) value=(value);
                        }
                        (people(page))
                        (wishes(page.scopes))
                        div.buttons {
                            button.yes type="submit" name="decision" value="authorize" { "Authorize" }
                            button.no type="submit" name="decision" value="cancel" { "Cancel" }
                        }
                    }
                    p.small { "Nothing here reaches the real Twitch. No password is needed." }
                }
            }
        }
    }
}

fn people(page: &ConsentPage<'_>) -> Markup {
    html! {
        fieldset {
            legend { @if page.users.len() > 1 { "Continue as" } @else { "Logged in as" } }
            @for user in page.users {
                label.person {
                    input type="radio" name="user_id" value=(user.id) required
                        checked[user.id == page.chosen || page.users.len() == 1];
                    span translate="no" { (user.display_name) }
                    span.login translate="no" { "@" (user.login) }
                }
            }
        }
    }
}

fn wishes(scopes: &Scopes) -> Markup {
    html! {
        h2 { "It asks to" }
        ul {
            li { "See who you are on Twitch" }
            @for scope in scopes {
                li { (in_words(scope)) " " code translate="no" { (scope) } }
            }
        }
    }
}

fn in_words(scope: &str) -> &str {
    match scope {
        "channel:bot" => "Let its bot join your channel’s chat",
        "user:bot" => "Act as a chat bot in your name",
        "user:read:chat" => "Read chat in your name",
        "user:write:chat" => "Send chat messages in your name",
        "user:read:email" => "See your email address",
        _ => "Use another permission",
    }
}
