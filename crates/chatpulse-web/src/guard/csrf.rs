//! Check that our own page sent a state-changing request.

use actix_web::HttpRequest;

use crate::audit::{self, Action};
use crate::config::SessionKey;
use crate::error::Problem;
use crate::guard::random::hex;
use crate::session::LoggedIn;
use crate::state::Web;

const PURPOSE: &str = "csrf";
const HEADER: &str = "x-csrf-token";

/// Derives the token of a login session, so that nothing is stored and nothing expires.
pub(crate) fn token(key: &SessionKey, login: &LoggedIn) -> String {
    hex(&key.hash(PURPOSE, &login.session.hash.0))
}

/// Checks the token, which may be in the header or in the form field. A refused action is in the audit log.
pub(crate) fn check(
    web: &Web,
    login: &LoggedIn,
    request: &HttpRequest,
    field: Option<&str>,
    action: Action,
) -> Result<(), Problem> {
    let header = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    let good = [header, field].into_iter().flatten().any(|sent| {
        let sent = decode(sent.trim());
        sent.is_some_and(|sent| web.config.session_key.verifies(PURPOSE, &login.session.hash.0, &sent))
    });
    if good {
        return Ok(());
    }
    audit::refused(web, request, &login.streamer, action, "csrf");
    Err(Problem::forbidden(
        "The request did not come from our own page, or the page was from an earlier login.",
        "Open the dashboard anew and try again there.",
    )
    .with_action(&("To the dashboard", "/dashboard")))
}

/// Returns the form field with the token, if the body is a form that has one.
pub(crate) fn field(form: &[u8]) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(form);
    fields.find(|(name, _)| name == "csrf_token").map(|(_, value)| value.into_owned())
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
