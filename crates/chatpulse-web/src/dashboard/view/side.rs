//! What one watches while setting things up: the real overlay, first steps, address, numbers.

use maud::{Markup, html};

use super::{DashboardPage, SettingsForm};

/// The overlay itself in a frame, and buttons that move it.
pub(super) fn preview(page: &DashboardPage) -> Markup {
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
                iframe data-preview-frame src={ (page.overlay_path) "?preview=1" } title="Preview of your overlay" {}
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

/// Three steps that tick themselves; `status.js` shows them until all are done.
pub(super) fn first_steps(form: &SettingsForm) -> Markup {
    let example = form.for_triggers.first().map_or("yes", String::as_str);
    html! {
        section.card.steps.needs-script aria-labelledby="steps-title" data-steps {
            h2 #steps-title { "Three steps to your first vote" }
            ol {
                (step("words", &html! { strong { "Choose what counts." } " “yes” and “no” are a fine start." }))
                (step("obs", &html! { strong { "Put the overlay into OBS." } " Copy its address below into a browser source." }))
                (step("vote", &html! { strong { "Wave at your chat." } " Type " q data-first-trigger { (example) } " there and watch the bar." }))
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

/// The secret address: dots until asked for, since dashboards are shown on stream too.
pub(super) fn address(page: &DashboardPage) -> Markup {
    html! {
        section.card aria-labelledby="obs-title" data-address data-url=(page.overlay_url) {
            h2 #obs-title { "In OBS" }
            p.card-lead {
                "Add a " strong { "Browser" } " source, size " strong.size { "800 × 100" }
                ", and paste this address. Keep it secret."
            }
            div.address {
                code.address-text data-address-text { (hidden_address(&page.overlay_url)) }
                button.button.button-raised.needs-script type="button" data-copy { "Copy" }
                button.button.button-quiet.needs-script type="button" data-show aria-pressed="false" { "Show" }
            }
            noscript {
                details.address-plain { summary { "Show the address" } code { (page.overlay_url) } }
            }
            p.address-words role="status" data-address-words {}
            p.address-leak.needs-script {
                "Shown by accident? "
                button.link type="button" data-rotate { "Make a new address" }
            }
        }
    }
}

/// Everything up to the secret part. `address.js` does the same after a change.
fn hidden_address(overlay_url: &str) -> String {
    let shown = overlay_url.split_once("://").map_or(overlay_url, |(_, rest)| rest);
    let shown = shown.rsplit_once('/').map_or("", |(before, _)| before);
    format!("{shown}/••••••••")
}

/// What happens right now.
pub(super) fn numbers(limited: bool) -> Markup {
    html! {
        section.numbers-card.needs-script aria-label="Right now" {
            dl.numbers {
                div { dt { "overlays open" } dd data-number="viewers" { "–" } }
                div { dt { "votes last minute" } dd data-number="votes" { "–" } }
                div { dt { "since last vote" } dd data-number="since" { "–" } }
            }
            p.limited role="status" data-limited hidden[!limited] {
                "Chat is very fast right now, so not every vote counts. The bar still shows the mood."
            }
        }
    }
}

/// What one may take along, and the way out.
pub(super) fn own_data(page: &DashboardPage) -> Markup {
    html! {
        section.card.own-data aria-labelledby="own-title" {
            h2 #own-title { "Your data" }
            p.card-lead { "Your name, your overlay’s address and these settings. Votes are counted and forgotten." }
            a.button.button-raised href="/dashboard/export" download { "Download it all" }
            details.leaving {
                summary { "Delete my account" }
                form method="post" action="/dashboard/delete-account" {
                    input type="hidden" name="csrf_token" value=(page.csrf_token);
                    p {
                        "Everything is deleted at once, your overlay’s address stops working, and ChatPulse is disconnected at Twitch. "
                        strong { "This can’t be undone." }
                    }
                    label.field-label for="confirm" { "Type " (page.login) " to confirm" }
                    input.field #confirm name="confirm" autocomplete="off" autocapitalize="off" spellcheck="false" required;
                    button.button.button-danger type="submit" { "Delete my account" }
                }
            }
        }
    }
}

/// Asked before the old address dies.
pub(super) fn rotate_dialog() -> Markup {
    html! {
        dialog.dialog data-rotate-dialog aria-labelledby="rotate-title" aria-describedby="rotate-words" {
            h2 #rotate-title { "Make a new address?" }
            p #rotate-words {
                "The old address stops working at once. Every OBS that uses it shows nothing until you paste the new one there."
            }
            p.dialog-problem role="alert" data-rotate-problem {}
            div.dialog-acts {
                button.button.button-quiet type="button" data-rotate-no { "Keep the old one" }
                button.button.button-danger type="button" data-rotate-yes { "Make a new address" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_part_of_the_address_is_hidden() {
        assert_eq!(hidden_address("https://pulse.example/overlay/8f7a-1"), "pulse.example/overlay/••••••••");
        assert_eq!(hidden_address("nonsense"), "/••••••••");
    }
}
