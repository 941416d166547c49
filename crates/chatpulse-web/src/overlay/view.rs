//! The overlay page that OBS loads. `error/on_stream.rs` is the page in its place when something is wrong.
//!
//! The page is complete before its script runs: labels and a centred bar. `assets/overlay.js` reads everything it
//! needs from the `data-` attributes.

use maud::{Markup, html};

use crate::assets::File;
use crate::layout;

/// The streamer's only hint that OBS has an old URL, so it says what to do.
pub(crate) const MOVED: &str = "Overlay address changed: copy the new URL from ChatPulse.";

/// The initial content of an overlay page; the WebSocket sends all later changes.
#[derive(Debug, Clone)]
pub(crate) struct OverlayPage {
    /// `/ws/overlay/UUID`; the script adds scheme, host and query.
    pub(crate) socket_path: String,
    /// The label of the side against, visible before the script runs.
    pub(crate) left_label: String,
    /// The label of the side for, visible before the script runs.
    pub(crate) right_label: String,
    /// All settings as JSON: the object of the `config` frame of the WebSocket, which sends it again only in a newer
    /// version.
    pub(crate) config: String,
    /// True inside the dashboard: the page follows unsaved input and is not counted as an overlay.
    pub(crate) preview: bool,
}

/// Renders the overlay page.
pub(crate) fn page(page: &OverlayPage) -> Markup {
    let head = html! {
        // A page that did not arrive as a whole loads again; the script takes this away from one that did.
        meta http-equiv="refresh" content="30" data-reload;
        (layout::style(File::ShapesCss))
        (layout::module(
            File::OverlayJs,
            &[File::BarJs, File::CourseJs, File::ShapesJs, File::NumbersJs, File::AppearanceJs, File::ColourJs, File::ConnectionJs, File::OverlayPageJs],
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
