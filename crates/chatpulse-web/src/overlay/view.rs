//! The overlay as OBS loads it, and what stands in its place when its address is gone.
//!
//! The page is complete before its script runs: labels, a bar at rest. `assets/overlay.js`
//! reads everything it needs from the `data-` attributes.

use maud::{Markup, html};

use crate::assets::File;
use crate::layout;

/// The streamer's only hint that OBS has an old URL, so it says what to do.
const MOVED: &str = "Overlay address changed: copy the new URL from ChatPulse.";

/// What an overlay page starts from; the socket brings the rest.
#[derive(Debug, Clone)]
pub(crate) struct OverlayPage {
    /// `/ws/overlay/UUID`; the script adds scheme, host and query.
    pub(crate) socket_path: String,
    /// The name of the side against, there before the script is.
    pub(crate) left_label: String,
    /// The name of the side for, there before the script is.
    pub(crate) right_label: String,
    /// All that the streamer chose, as JSON: the object of the socket's `config` frame. The
    /// socket sends it again only if it has a newer version.
    pub(crate) config: String,
    /// Inside the dashboard: follows what is typed there, and is not counted as an overlay.
    pub(crate) preview: bool,
}

/// The overlay page.
pub(crate) fn page(page: &OverlayPage) -> Markup {
    let head = html! {
        (layout::style(File::ShapesCss))
        (layout::module(
            File::OverlayJs,
            &[File::BarJs, File::CourseJs, File::ShapesJs, File::NumbersJs, File::AppearanceJs, File::ColourJs, File::ConnectionJs],
        ))
    };
    let body = html! {
        main.overlay {
            h1.visually-hidden { "ChatPulse overlay" }
            div.bar role="img" aria-label="Mood of the chat"
                data-socket=(page.socket_path) data-config=(page.config) data-preview=(page.preview)
                data-state="rest" data-leads="none" data-connected="false" {
                (layout::bar_inside(&page.left_label, &page.right_label))
            }
            p.overlay-note data-note hidden { (MOVED) }
        }
    };
    layout::transparent("ChatPulse overlay", &head, &body)
}

/// The answer to an address that is no longer any overlay's. It shows on stream, so it is a whisper.
pub(crate) fn overlay_missing() -> Markup {
    let body = html! {
        main.overlay {
            h1.visually-hidden { "Overlay address changed" }
            p.overlay-note { (MOVED) }
        }
    };
    layout::transparent("Overlay address changed", &html! {}, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_page() -> OverlayPage {
        OverlayPage {
            socket_path: "/ws/overlay/8f7a".to_owned(),
            left_label: "<b>No".to_owned(),
            right_label: "Yes".to_owned(),
            config: "{\"version\":7}".to_owned(),
            preview: false,
        }
    }

    #[test]
    fn the_script_finds_what_it_needs() {
        let text = page(&build_page()).into_string();
        for part in [
            "data-socket=\"/ws/overlay/8f7a\"",
            "data-config=\"{&quot;version&quot;:7}\"",
            "data-preview=\"false\"",
        ] {
            assert!(text.contains(part), "{part} is missing");
        }
    }

    #[test]
    fn labels_are_text() {
        let text = page(&build_page()).into_string();
        assert!(text.contains("&lt;b&gt;No") && !text.contains("<b>No"));
    }

    #[test]
    fn nothing_is_inline() {
        let text = page(&build_page()).into_string();
        assert!(!text.contains("style=") && !text.contains("<style") && !text.contains("<script>"));
    }
}
