//! The page below `/overlay/` in place of an overlay. It shows on stream, so it is small and transparent; it replaces
//! itself by the overlay as soon as there is one, since nobody may be near that computer.

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::Problem;
use crate::assets::File;
use crate::layout;
use crate::overlay::MOVED;

/// The streamer's only hint that OBS has a wrong URL.
const NOT_A_URL: &str = "This is not an overlay URL: copy it again from ChatPulse.";
/// How soon the page looks again after a problem that passes, in seconds. Later looks are less frequent.
const PASSING_RETRY_SECS: u32 = 5;
/// How often the page looks again where only the streamer can help, in seconds.
const LASTING_RETRY_SECS: u32 = 300;

/// Renders the page. There are words on it only if the streamer has to act.
pub(super) fn page(problem: &Problem, request_id: &str) -> Markup {
    let note = note(problem);
    let retry_secs = match note {
        Some(_) => LASTING_RETRY_SECS,
        None => problem.retry_after.unwrap_or(PASSING_RETRY_SECS),
    };
    let head = html! {
        // The script is more careful: it does not replace this page by a proxy's error page.
        noscript { meta http-equiv="refresh" content=(retry_secs); }
        (layout::module(File::RetryJs, &[File::OverlayPageJs]))
    };
    let body = html! {
        main.overlay data-retry=(retry_secs) data-gone=(problem.overlay_is_gone) {
            h1.visually-hidden { (problem.title) }
            @match note {
                Some(note) => p.overlay-note { (note) },
                None => div.overlay-sign { (layout::unplugged()) },
            }
            p.visually-hidden {
                (problem.what_happened) " " (problem.what_to_do) " If you ask for help, give this number: "
                code { (request_id) }
            }
        }
    };
    layout::transparent(problem.title, &head, &body)
}

/// What the streamer has to do, where nobody else can help.
fn note(problem: &Problem) -> Option<&'static str> {
    match problem.status {
        _ if problem.overlay_is_gone => Some(MOVED),
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some(NOT_A_URL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(problem: &Problem) -> String {
        page(problem, "req-1").into_string()
    }

    #[test]
    fn a_problem_that_passes_shows_no_words_and_looks_again_soon() {
        let limited = Problem::too_many_requests(Duration::from_secs(8));
        for (problem, secs) in [(Problem::unavailable(), 5), (limited, 9), (Problem::timed_out(), 5)] {
            let text = text(&problem);
            assert!(!text.contains("overlay-note") && text.contains("overlay-sign"), "{text}");
            assert!(text.contains(&format!("data-retry=\"{secs}\"")), "{text}");
            assert!(text.contains(&format!("http-equiv=\"refresh\" content=\"{secs}\"")), "{text}");
        }
    }

    #[test]
    fn a_wrong_address_says_what_to_do_and_looks_again_every_five_minutes() {
        let nonsense = Problem::bad_request("An overlay’s address ends in a UUID; this one does not.");
        for (problem, words, gone) in [
            (Problem::overlay_gone(), MOVED, true),
            (nonsense, NOT_A_URL, false),
            (Problem::not_found(), NOT_A_URL, false),
        ] {
            let text = text(&problem);
            assert!(text.contains(&format!("<p class=\"overlay-note\">{words}</p>")), "{text}");
            assert!(text.contains(&format!("data-retry=\"300\" data-gone=\"{gone}\"")), "{text}");
        }
    }

    #[test]
    fn it_is_small_and_carries_the_request_id() {
        let text = text(&Problem::unavailable());
        assert!(text.len() < 3_072, "{} bytes", text.len());
        assert!(text.contains("req-1") && text.contains("translate=\"no\""));
    }
}
