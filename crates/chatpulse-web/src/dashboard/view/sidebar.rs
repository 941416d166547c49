//! What a streamer watches while setting things up: the real overlay, first steps, overlay URL, numbers.

use maud::{Markup, html};

use crate::layout::verbatim;

/// The overlay itself in a frame, and buttons that move it.
pub(super) fn preview(overlay_path: &str) -> Markup {
    html! {
        section.preview aria-labelledby="preview-title" {
            div.preview-head {
                h2 #preview-title { "Preview" }
                div.backdrop-choices role="group" aria-label="Background of the preview" data-backdrop-choices hidden {
                    @for (backdrop, words) in [("game", "Game"), ("dark", "Dark"), ("light", "Light"), ("checker", "Checker")] {
                        button.backdrop-choice type="button" data-backdrop-choice=(backdrop) aria-pressed="false" title=(words) {
                            span.visually-hidden { (words) }
                        }
                    }
                }
            }
            div.backdrop data-backdrop="game" {
                iframe data-preview-frame src={ (overlay_path) "?preview=1" } title="Preview of your overlay" {}
            }
            div.preview-acts.needs-script {
                button.button.button-against type="button" data-test="against" { "Test against" }
                button.button.button-for type="button" data-test="for" { "Test for" }
                button.button.button-quiet type="button" data-reset { "Reset" }
            }
            p.preview-words role="status" data-preview-words { "Your real overlay, with what you type here." }
        }
    }
}

/// Three steps that are ticked as they happen; `status.js` shows them until all are done.
pub(super) fn first_steps(first_trigger: &str) -> Markup {
    html! {
        section.card.steps.needs-script aria-labelledby="steps-title" data-steps {
            h2 #steps-title { "Three steps to your first vote" }
            ol {
                (step("words", &html! { strong { "Choose what counts." } " “" (verbatim("yes")) "” and “" (verbatim("no")) "” are a good start." }))
                (step("obs", &html! { strong { "Put the overlay into OBS." } " Copy the overlay URL into a browser source." }))
                (step("vote", &html! { strong { "Wave at your chat." } " Type " q.notranslate translate="no" data-first-trigger { (first_trigger) } " there and watch the bar." }))
            }
        }
    }
}

fn step(name: &str, words: &Markup) -> Markup {
    html! {
        li data-step=(name) {
            span.step-sign aria-hidden="true" {
                svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" {
                    path d="M3.5 8.5l3 3 6-7" {}
                }
            }
            p { (words) span.visually-hidden data-step-words {} }
        }
    }
}

/// The overlay URL is a secret: dots until asked for, since dashboards are shown on stream too.
pub(super) fn url(overlay_url: &str) -> Markup {
    html! {
        section.card aria-labelledby="obs-title" data-address data-url=(overlay_url) {
            h2 #obs-title { "In OBS" }
            p.card-lead {
                "Add a " strong { "Browser" } " source, size " strong.size.notranslate translate="no" { "800 × 100" }
                ", and paste this URL. Keep it secret."
            }
            div.address {
                code.address-text.notranslate translate="no" data-address-text { (without_secret(overlay_url)) }
                button.button.button-raised.needs-script type="button" data-copy { "Copy" }
                button.button.button-quiet.needs-script type="button" data-show aria-pressed="false" { "Show" }
            }
            noscript {
                details.address-plain { summary { "Show the URL" } code.notranslate translate="no" { (overlay_url) } }
            }
            p.address-words role="status" data-address-words {}
            p.address-leak.needs-script {
                "Shown by accident? "
                button.link type="button" data-rotate { "Reset overlay URL" }
            }
        }
    }
}

/// Everything up to the secret part. `address.js` does the same after a change.
fn without_secret(overlay_url: &str) -> String {
    let shown = overlay_url.split_once("://").map_or(overlay_url, |(_, rest)| rest);
    let shown = shown.rsplit_once('/').map_or("", |(before, _)| before);
    format!("{shown}/••••••••")
}

/// What happens right now: open overlays, votes, and whether votes are being limited.
pub(super) fn numbers(limited: bool) -> Markup {
    html! {
        section.numbers-card.needs-script aria-label="Right now" {
            dl.numbers {
                div { dt { "overlays open" } dd.notranslate translate="no" data-number="viewers" { "–" } }
                div { dt { "votes last minute" } dd.notranslate translate="no" data-number="votes" { "–" } }
                div { dt { "since last vote" } dd.notranslate translate="no" data-number="since" { "–" } }
            }
            p.limited role="status" data-limited hidden[!limited] {
                "Chat is very fast right now, so not every vote counts. The bar still shows the mood."
            }
        }
    }
}

/// Asked before the old URL stops working.
pub(super) fn reset_url_dialog() -> Markup {
    html! {
        dialog.dialog data-rotate-dialog aria-labelledby="rotate-title" aria-describedby="rotate-words" {
            h2 #rotate-title { "Reset the overlay URL?" }
            p #rotate-words {
                "The old URL stops working at once. A browser source that uses it shows nothing until you paste the new URL there."
            }
            p.dialog-problem role="alert" data-rotate-problem {}
            div.dialog-acts {
                button.button.button-quiet type="button" data-rotate-no { "Keep the old URL" }
                button.button.button-danger type="button" data-rotate-yes { "Reset overlay URL" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_part_of_the_url_is_hidden() {
        assert_eq!(without_secret("https://pulse.example/overlay/8f7a-1"), "pulse.example/overlay/••••••••");
        assert_eq!(without_secret("nonsense"), "/••••••••");
    }
}
