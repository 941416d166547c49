//! Parts shared by all pages: the document around a body, the brand, the static bar.
//!
//! No page has an inline script, an inline style or a `style` attribute: the content security policy refuses them.
//! Styles are in `assets/`, referenced through [`crate::assets`].

use maud::{DOCTYPE, Markup, html};

use crate::assets::{File, url};

/// Renders a page of the product. `head` contains what this page needs besides the shared style sheets.
pub(crate) fn page(title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="dark";
                meta name="theme-color" content="#0e1018";
                title { (title) " · ChatPulse" }
                link rel="icon" type="image/svg+xml" href=(url(File::Favicon));
                (style(File::TokensCss))
                (style(File::AppCss))
                (head)
            }
            body { (body) }
        }
    }
}

/// Renders a page with a transparent background, as OBS needs it. Browsers do not translate it: its words are the
/// streamer's.
pub(crate) fn transparent(title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html.notranslate lang="en" translate="no" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // The URL is a secret: keep it out of search indexes and of other sites' logs (`Referer`).
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content="no-referrer";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(url(File::Favicon));
                (style(File::TokensCss))
                (style(File::BarCss))
                (style(File::OverlayCss))
                (head)
            }
            body { (body) }
        }
    }
}

/// Links a style sheet, for the head.
pub(crate) fn style(file: File) -> Markup {
    html! { link rel="stylesheet" href=(url(file)); }
}

/// Links a script and preloads its imports, so that they are fetched in parallel.
pub(crate) fn module(file: File, imports: &[File]) -> Markup {
    html! {
        @for import in imports {
            link rel="modulepreload" href=(url(*import));
        }
        script type="module" src=(url(file)) {}
    }
}

/// Renders data among other words: a name, a trigger, a URL. Browsers must not translate it; the attribute is the
/// standard, the class is for older translators.
pub(crate) fn verbatim(data: &str) -> Markup {
    html! { span.notranslate translate="no" { (data) } }
}

/// Renders a sentence; what stands in “quotes” is not translated. Data may contain quotes too, so it goes from the first
/// to the last. `assets/sentence.js` does the same.
pub(crate) fn sentence(text: &str) -> Markup {
    let quoted = text.split_once('“').and_then(|(before, rest)| Some((before, rest.rsplit_once('”')?)));
    html! {
        @match quoted {
            Some((before, (data, after))) => { (before) "“" (verbatim(data)) "”" (after) }
            None => (text),
        }
    }
}

/// Renders the logo and the name.
pub(crate) fn brand() -> Markup {
    html! {
        span.brand.notranslate translate="no" {
            svg.brand-mark viewBox="0 0 34 16" aria-hidden="true" {
                path.brand-against d="M16 1v14H8A7 7 0 0 1 8 1z" {}
                path.brand-for d="M18 1h8a7 7 0 0 1 0 14h-8z" {}
            }
            "ChatPulse"
        }
    }
}

/// The position of a static bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lean {
    /// To the right.
    For,
    /// To the left.
    Against,
}

impl Lean {
    fn class(self) -> &'static str {
        match self {
            Self::For => "bar-still-for",
            Self::Against => "bar-still-against",
        }
    }
}

/// Renders the content of a `.bar` element; `assets/bar.js` moves it, `assets/bar.css` documents it. Small print,
/// split, lanes and aside are visible on overlays only, through `assets/shapes.css`.
pub(crate) fn bar_inside(left_label: &str, right_label: &str) -> Markup {
    html! {
        div.bar-pill.notranslate translate="no" {
            div.bar-end.bar-end-against {
                span.bar-label data-label="left" dir="auto" { (left_label) }
                span.bar-ghost data-label="right" dir="auto" aria-hidden="true" { (right_label) }
                (small_print("against"))
            }
            div.bar-track {
                div.bar-rail {}
                div.bar-run {
                    div.bar-half.bar-half-against { div.bar-fill {} }
                    div.bar-half.bar-half-for { div.bar-fill {} }
                    div.bar-notch {}
                    div.bar-carrier {
                        div.bar-marker {
                            div.bar-glow.bar-glow-against {}
                            div.bar-glow.bar-glow-for {}
                            div.bar-dot {}
                            div.bar-tint.bar-tint-against {}
                            div.bar-tint.bar-tint-for {}
                            (signs())
                        }
                    }
                }
                div.bar-split {
                    div.bar-slab.bar-slab-against { div.bar-flash {} }
                    div.bar-slab.bar-slab-for { div.bar-flash {} }
                    span.bar-percent.bar-percent-against data-number="inside-against" {}
                    span.bar-percent.bar-percent-for data-number="inside-for" {}
                }
                (lane("against"))
                (lane("for"))
            }
            div.bar-end.bar-end-for {
                span.bar-label data-label="right" dir="auto" { (right_label) }
                span.bar-ghost data-label="left" dir="auto" aria-hidden="true" { (left_label) }
                (small_print("for"))
            }
            div.bar-aside { (signs()) }
        }
    }
}

/// The trigger of a side and its number of votes. The script writes both.
fn small_print(side: &str) -> Markup {
    html! {
        div.bar-small {
            span.bar-hint data-trigger=(side) dir="auto" {}
            span.bar-number data-number={ "small-" (side) } {}
        }
    }
}

/// One of two bars, with a number at its end.
fn lane(side: &str) -> Markup {
    html! {
        div.bar-lane.{ "bar-lane-" (side) } {
            div.bar-lane-rail { div.bar-lane-fill { div.bar-flash {} } }
            span.bar-lane-number data-number={ "end-" (side) } {}
        }
    }
}

/// Icons for an unplugged connection and for a pause. At most one of them is visible.
fn signs() -> Markup {
    html! {
        (unplugged())
        svg.bar-sign.bar-paused viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor"
            stroke-width="4" stroke-linecap="round" {
            path d="M8.5 6.5v11M15.5 6.5v11" {}
        }
    }
}

/// An icon for an unplugged connection.
pub(crate) fn unplugged() -> Markup {
    html! {
        svg.bar-sign.bar-unplugged viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor"
            stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" {
            path d="M9 4.5V9M15 4.5V9M12 16v4" {}
            path fill="currentColor" d="M7 9h10v2.5a5 5 0 0 1-10 0z" {}
        }
    }
}

/// A static bar as decoration, hidden from screen readers.
pub(crate) fn still_bar(left_label: &str, right_label: &str, lean: Lean) -> Markup {
    html! {
        div.bar.(lean.class()) aria-hidden="true" { (bar_inside(left_label, right_label)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_in_a_sentence_is_not_translated() {
        const NO: &str = "<span class=\"notranslate\" translate=\"no\">";
        for (text, expected) in [
            ("Use 50 characters.", "Use 50 characters.".to_owned()),
            ("“ja” counts.", format!("“{NO}ja</span>” counts.")),
            ("Not “a ” b”.", format!("Not “{NO}a ” b</span>”.")),
            ("“<b>” counts", format!("“{NO}&lt;b&gt;</span>” counts")),
            ("” and “", "” and “".to_owned()),
        ] {
            assert_eq!(sentence(text).into_string(), expected);
        }
    }
}
