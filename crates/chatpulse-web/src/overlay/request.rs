//! Overlay URLs as they arrive: their query, and what was pasted along with them.

use actix_web::HttpRequest;
use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::overlay::SettingsVersion;
use chatpulse_engine::sessions::Watcher;
use url::form_urlencoded;

/// The query of an overlay URL. An unknown, repeated or malformed parameter never keeps an overlay off the stream; the
/// first value counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OverlayQuery {
    /// True for the preview inside the dashboard.
    pub(super) preview: bool,
    /// The version of the settings that the page was rendered from.
    pub(super) version: Option<SettingsVersion>,
}

impl OverlayQuery {
    pub(super) fn of(request: &HttpRequest) -> Self {
        Self::parse(request.query_string())
    }

    fn parse(query: &str) -> Self {
        let first = |wanted| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        Self {
            preview: first("preview").as_deref() == Some("1"),
            version: first("v").and_then(|version| version.parse().ok()).map(SettingsVersion),
        }
    }

    pub(super) fn watcher(&self) -> Watcher {
        if self.preview { Watcher::Preview } else { Watcher::Viewer }
    }
}

/// Finds the overlay in a path below `/overlay/` that has nothing else in it but slashes, white space and characters
/// that show nothing. `None` if there is more, or if nothing has to be stripped.
pub(super) fn stripped(rest: &str) -> Option<OverlayId> {
    let uuid = rest.trim_matches(is_pasted_along);
    (uuid != rest).then(|| uuid.parse().ok()).flatten()
}

fn is_pasted_along(char: char) -> bool {
    // A form turns a space into a plus. Zero-width characters and the byte-order mark come from chats and documents.
    char.is_whitespace()
        || char.is_control()
        || matches!(char, '/' | '+' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "8f7a0000-0000-4000-8000-000000000000";

    #[test]
    fn what_is_pasted_along_is_stripped() {
        for (before, after) in [
            ("", "/"),
            ("", "//"),
            ("", " "),
            ("", "\n"),
            ("", "\t"),
            ("", "\r\n"),
            ("", "+"),
            ("", "/ /"),
            (" ", ""),
            ("/", ""),
            ("\u{a0}", "\u{3000}"),
            ("\u{feff}", "\u{200b}"),
        ] {
            let rest = format!("{before}{UUID}{after}");
            assert_eq!(stripped(&rest), UUID.parse().ok(), "{rest:?}");
        }
    }

    #[test]
    fn anything_more_is_another_address() {
        let cut = &UUID[..35];
        for rest in [UUID, "", "/", " ", &format!("{UUID}/x"), &format!("{UUID} x"), &format!("{cut}/")] {
            assert_eq!(stripped(rest), None, "{rest:?}");
        }
    }

    #[test]
    fn no_query_keeps_an_overlay_off_the_stream() {
        for (query, preview, version) in [
            ("", false, None),
            ("preview=1", true, None),
            ("preview=0&preview=1", false, None),
            ("v=7&preview=1&v=8", true, Some(7)),
            ("v=x&%ff=%&&=", false, None),
            ("preview", false, None),
        ] {
            let expected = OverlayQuery { preview, version: version.map(SettingsVersion) };
            assert_eq!(OverlayQuery::parse(query), expected, "{query}");
        }
    }
}
