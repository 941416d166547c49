//! Log in with Twitch, connect the bot, log out.

mod callback;
mod oauth_state;
mod view;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::login::LoginRole;
use serde::Deserialize;

use crate::audit::{self, Action};
use crate::error::{Answer, Problem};
use crate::guard::origin::origin_of_logins;
use crate::guard::{body, csrf};
use crate::session;
use crate::state::Shared;
pub(crate) use callback::callback;
use oauth_state::OauthState;
use view::{LoginMessage, LoginPage};

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    notice: Option<String>,
}

pub(crate) async fn page(web: Shared, request: HttpRequest, query: Query<PageQuery>) -> Answer {
    if session::find(&web, &request).await?.is_some() {
        return Ok(redirect("/dashboard"));
    }
    let message = match query.notice.as_deref() {
        Some("cancelled") => Some(LoginMessage::Cancelled),
        Some("logged-out") => Some(LoginMessage::LoggedOut),
        Some("deleted") => Some(LoginMessage::Deleted),
        Some("expired") => Some(LoginMessage::SessionExpired),
        _ => None,
    };
    Ok(html(StatusCode::OK, view::page(&LoginPage { message }).into_string()))
}

#[derive(Deserialize)]
pub(crate) struct StartQuery {
    role: Option<String>,
    /// Present on a browser that was already sent to the host of the redirect URL.
    hop: Option<String>,
}

pub(crate) async fn start(web: Shared, request: HttpRequest, query: Query<StartQuery>) -> Answer {
    // The cookie of the login must be set where Twitch sends the browser back to. Once only: a proxy may have replaced
    // the host name.
    if query.hop.is_none()
        && let Some(home) = origin_of_logins(&request, &web.config)
    {
        let asked = request.query_string();
        let and = if asked.is_empty() { "" } else { "&" };
        return Ok(redirect(&format!("{home}/auth/start?{asked}{and}hop=1")));
    }
    let role = match query.role.as_deref() {
        None => web.ports.engine.accounts.role_of_next_login().await?,
        Some("bot") => LoginRole::Bot,
        Some(_) => {
            return Err(Problem::bad_request("The only role that can be asked for is `bot`."));
        }
    };
    let state = OauthState::new(&web, role)?;
    let mut response = redirect(&web.ports.login.authorize_url(role, state.text()));
    state.remember(&web, &request, &mut response);
    Ok(response)
}

#[derive(Deserialize)]
pub(crate) struct LogoutQuery {
    everywhere: Option<String>,
}

pub(crate) async fn logout(
    web: Shared,
    request: HttpRequest,
    payload: Payload,
    query: Query<LogoutQuery>,
) -> Answer {
    let Some(login) = session::find(&web, &request).await? else {
        return Ok(redirect("/auth/login"));
    };
    let is_everywhere = query.everywhere.as_deref() == Some("1");
    let action = if is_everywhere { Action::LogoutEverywhere } else { Action::Logout };
    let form = body::read(&request, payload, body::FORM).await?;
    csrf::check(&web, &login, &request, csrf::field(&form).as_deref(), action)?;
    if is_everywhere {
        web.ports.login_sessions.end_all(login.streamer.id).await?;
    } else {
        web.ports.login_sessions.end(login.session.hash).await?;
    }
    audit::done(&web, &request, &login.streamer, action);
    Ok(session::farewell(&web, &request, "/auth/login"))
}

pub(crate) fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, to))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

pub(crate) fn html(status: StatusCode, page: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page)
}

/// Our cookie values are always valid in a header, because they consist of hexadecimal digits.
pub(crate) fn set_cookie(response: &mut HttpResponse, cookie: &actix_web::cookie::Cookie<'_>) {
    let _ = response.add_cookie(cookie);
}
