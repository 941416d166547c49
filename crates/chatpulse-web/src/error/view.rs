//! Error pages for people: what happened, and what to do next.

use maud::{Markup, html};

use crate::assets::File;
use crate::layout::{self, Lean};

/// The text of an error page. Never put internal details in it; the request id leads to the log.
#[derive(Debug, Clone)]
pub(crate) struct ErrorPage {
    /// The HTTP status, shown in small type because it helps support.
    pub(crate) status: u16,
    /// The headline, a few words.
    pub(crate) title: String,
    /// One sentence that says what happened.
    pub(crate) what_happened: String,
    /// One sentence that says what to do.
    pub(crate) what_to_do: String,
    /// The recommended next step: label and URL.
    pub(crate) action: Option<(String, String)>,
    /// The request id, as in the log and in `X-Request-Id`.
    pub(crate) request_id: String,
}

/// Renders the error page.
pub(crate) fn page(page: &ErrorPage) -> Markup {
    let body = html! {
        main.lone {
            a.lone-brand href="/" { (layout::brand()) }
            div.lone-bar { (layout::still_bar("Oops", "Fine", Lean::Against)) }
            p.lone-status { (page.status) }
            h1 { (page.title) }
            p { (page.what_happened) }
            p { (page.what_to_do) }
            @if let Some((label, href)) = &page.action {
                p.lone-action { a.button.button-primary href=(href) { (label) } }
            }
            p.lone-id {
                "If you ask for help, give this number: "
                code.notranslate translate="no" { (page.request_id) }
            }
        }
    };
    layout::page(&page.title, &layout::style(File::BarCss), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_happened_and_what_to_do() {
        let text = page(&ErrorPage {
            status: 502,
            title: "Twitch didn't answer".to_owned(),
            what_happened: "We asked Twitch who you are and got no answer.".to_owned(),
            what_to_do: "Try again in a minute.".to_owned(),
            action: Some(("Try again".to_owned(), "/auth/start".to_owned())),
            request_id: "req-1".to_owned(),
        })
        .into_string();
        for part in ["502", "We asked Twitch", "in a minute", "href=\"/auth/start\"", "req-1"] {
            assert!(text.contains(part), "{part} is missing");
        }
    }
}
