//! The list of one's logins, and the end of one of them.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use chatpulse_domain::login::LoginSession;
use chatpulse_domain::time::Timestamp;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::view::Login;
use crate::audit::{self, Action};
use crate::error::{Answer, Problem};
use crate::guard::{body, csrf, random};
use crate::login::redirect;
use crate::session::{self, LoggedIn};
use crate::state::{Shared, Web};

const PURPOSE: &str = "login-in-list";

/// How many logins are shown. The others end with "Log out on all devices".
const SHOWN_MAX: usize = 20;

/// Looks up the streamer's logins, the newest first.
pub(super) async fn list(web: &Web, login: &LoggedIn) -> Result<Vec<Login>, Problem> {
    let now = web.ports.clock.now();
    let all = web.ports.login_sessions.all_of(login.streamer.id, now).await?;
    let shown = all.iter().take(SHOWN_MAX).map(|session| Login {
        id: id_of(web, session),
        browser: session.browser.clone(),
        started: session.started_at.and_then(in_words),
        is_this: session.hash == login.session.hash,
    });
    Ok(shown.collect())
}

/// All logins of the streamer, for the export.
pub(super) async fn for_export(web: &Web, login: &LoggedIn) -> Result<Vec<Value>, Problem> {
    let all = web.ports.login_sessions.all_of(login.streamer.id, web.ports.clock.now()).await?;
    let told = |session: &LoginSession| json!({ "browser": session.browser, "started": session.started_at.and_then(in_words) });
    Ok(all.iter().map(told).collect())
}

/// Ends one of the caller's logins. One that has ended meanwhile is fine.
pub(crate) async fn end_login(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let Some(login) = session::find(&web, &request).await? else {
        return Ok(redirect("/auth/login"));
    };
    let form = body::read(&request, payload, body::FORM).await?;
    csrf::check(&web, &login, &request, csrf::field(&form).as_deref(), Action::EndLogin)?;
    let asked = url::form_urlencoded::parse(&form).find(|(name, _)| name == "login");
    let Some((_, asked)) = asked else {
        return Err(Problem::bad_request("The field `login` says which login to end, and it is missing."));
    };
    let all = web.ports.login_sessions.all_of(login.streamer.id, web.ports.clock.now()).await?;
    let ended = all.iter().find(|session| random::same(&id_of(&web, session), &asked));
    let Some(ended) = ended else {
        audit::refused(&web, &request, &login.streamer, Action::EndLogin, "unknown");
        return Ok(redirect("/dashboard"));
    };
    web.ports.login_sessions.end(ended.hash).await?;
    audit::done(&web, &request, &login.streamer, Action::EndLogin);
    if ended.hash == login.session.hash {
        return Ok(session::farewell(&web, &request, "/auth/login"));
    }
    Ok(redirect("/dashboard"))
}

/// What the page calls a login: a keyed hash, so that the page holds nothing that the database knows a login by.
fn id_of(web: &Web, session: &LoginSession) -> String {
    random::hex(&web.config.session_key.hash(PURPOSE, &session.hash.0)[..16])
}

fn in_words(at: Timestamp) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.unix_ms) * 1_000_000).ok()?;
    let words = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");
    at.format(words).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_with_its_zone() {
        let at = Timestamp::from_unix_ms(1_764_000_000_000);
        assert_eq!(in_words(at).as_deref(), Some("24 Nov 2025, 16:00 UTC"));
    }
}
