//! The login page, and the page that confirms the bot's authorisation.
//!
//! The login page shows an example of the product: a bar that a scripted chat moves, labelled as an example. Without
//! its script the bar does not move and the login still works.

use maud::{Markup, html};

use crate::assets::File;
use crate::layout::{self, Lean, verbatim};

#[derive(Debug, Clone)]
pub(crate) struct LoginPage {
    /// Why the visitor was sent here, if there is a reason.
    pub(crate) message: Option<LoginMessage>,
}

/// Why a visitor was sent to the login page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginMessage {
    /// Pressed "cancel" at Twitch.
    Cancelled,
    /// Deleted their account.
    Deleted,
    /// Pressed "log out".
    LoggedOut,
    /// The session expired, or another device ended it.
    SessionExpired,
}

impl LoginMessage {
    fn words(self) -> &'static str {
        match self {
            Self::Cancelled => "You cancelled at Twitch, so nothing was connected. Log in whenever you like.",
            Self::Deleted => {
                "Your account is deleted, with everything that belonged to it. Thank you for trying ChatPulse."
            }
            Self::LoggedOut => "You're logged out. Your overlay keeps running.",
            Self::SessionExpired => {
                "Your login has expired. Log in again to go on; your overlay keeps running."
            }
        }
    }
}

/// The page after the bot account was authorised.
#[derive(Debug, Clone)]
pub(crate) struct BotDone {
    pub(crate) bot_name: String,
}

/// Renders the login page.
pub(crate) fn page(page: &LoginPage) -> Markup {
    let head = html! {
        (layout::style(File::BarCss))
        (layout::style(File::LoginCss))
        (layout::module(File::LoginJs, &[File::BarJs, File::CourseJs, File::ShapesJs, File::NumbersJs]))
    };
    let body = html! {
        header.login-top { (layout::brand()) }
        main.login {
            section.login-words {
                h1 { "See your chat’s mood " em { "move" } "." }
                p.login-lead { "Your viewers type a word, and a bar on your stream moves with every one of them." }
                @if let Some(message) = page.message {
                    p.login-message role="status" { (message.words()) }
                }
                a.button.button-twitch href="/auth/start" { (twitch_sign()) "Log in with Twitch" }
                p.login-promise { "ChatPulse reads your chat to count votes. It never posts, and it doesn’t ask for your email address." }
            }
            (example())
            (steps())
        }
    };
    layout::page("Log in", &head, &body)
}

/// Renders the page that says that the bot account is connected.
pub(crate) fn bot_done(page: &BotDone) -> Markup {
    let body = html! {
        main.lone {
            div.lone-brand { (layout::brand()) }
            div.lone-bar { (layout::still_bar("Silent", "Listening", Lean::For)) }
            h1 { "The bot account is connected" }
            p { strong.notranslate translate="no" { (page.bot_name) } " can read chat from now on. You can close this tab." }
        }
    };
    layout::page("Bot connected", &layout::style(File::BarCss), &body)
}

/// A small example of a stream. `login.js` fills the chat and moves the bar.
fn example() -> Markup {
    html! {
        section.example aria-label="Example of an overlay with a made-up chat" data-example {
            div.example-stream {
                span.example-tag { "Example" }
                p.example-question { "Do I fight the dragon now?" }
                div.bar.bar-still-for data-bar {
                    (layout::bar_inside("Run!", "Fight!"))
                }
            }
            div.example-chat {
                h2 { "Chat" span { "made up for this page" } }
                ol.notranslate translate="no" data-chat aria-hidden="true" {
                    (line("quietstorm", 3, "that bow is so good", None))
                    (line("bramble7", 4, "no", Some("against")))
                    (line("lumen_", 1, "drink a potion first", None))
                    (line("PixelOtter", 2, "yes", Some("for")))
                    (line("miso_soup", 1, "yes", Some("for")))
                    (line("Kettle99", 2, "you have 12 hp lol", None))
                    (line("novaquill", 3, "yes", Some("for")))
                    (line("tinyfrog", 4, "no", Some("against")))
                    (line("Ambrosio", 5, "yes", Some("for")))
                }
                div.example-join hidden data-join {
                    span { "Join in:" }
                    button.button.button-against.notranslate translate="no" type="button" data-say="against" { "no" }
                    button.button.button-for.notranslate translate="no" type="button" data-say="for" { "yes" }
                    button.button.button-quiet type="button" data-pause aria-pressed="false" { "Pause" }
                }
            }
        }
    }
}

/// One chat message; `login.js` builds the same markup.
fn line(name: &str, hue: u8, text: &str, side: Option<&str>) -> Markup {
    html! {
        li data-side=[side] {
            b data-hue=(hue) { (name) }
            span { (text) }
        }
    }
}

fn steps() -> Markup {
    html! {
        ol.login-steps {
            li { h2 { "Pick the words" } p { "“" (verbatim("yes")) "” and “" (verbatim("no")) "”, “1” and “2”, or two emotes. You choose what counts." } }
            li { h2 { "Paste one address into OBS" } p { "It’s a browser source with a transparent background. Nothing to install." } }
            li { h2 { "Ask your chat" } p { "Every matching message pushes the bar. When chat goes quiet, it drifts back to the middle." } }
        }
    }
}

fn twitch_sign() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" fill="currentColor" {
            path d="M4.3 2 3 5.4v14.2h4.8V22h2.7l2.6-2.4H17l5-4.9V2H4.3zm15.9 11.8-3 2.9h-4.7l-2.6 2.5v-2.5H6V3.8h14.2v10z" {}
            path d="M15.3 7.2h1.8v5.2h-1.8zM10.7 7.2h1.8v5.2h-1.8z" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_needs_no_script() {
        let text = page(&LoginPage { message: None }).into_string();
        assert!(text.contains("href=\"/auth/start\""));
        assert!(!text.contains("role=\"status\""));
    }

    #[test]
    fn a_cancelled_login_is_answered_kindly() {
        let text = page(&LoginPage { message: Some(LoginMessage::Cancelled) }).into_string();
        assert!(text.contains("nothing was connected"));
    }

    #[test]
    fn the_bot_page_names_the_bot_as_text() {
        let text = bot_done(&BotDone { bot_name: "<i>bot".to_owned() }).into_string();
        assert!(text.contains("&lt;i&gt;bot"));
    }
}
