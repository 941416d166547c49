//! Log in with Twitch, connect the bot, log out.

mod oauth_state;
mod view;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::login::{Grant, LoginRole};
use chatpulse_domain::ports::twitch_login::LoginError;
use chatpulse_domain::secret::Secret;
use chatpulse_engine::accounts::BotError;
use serde::Deserialize;
use tracing::{info, warn};

use crate::error::{Answer, Problem};
use crate::guard::{body, csrf};
use crate::session;
use crate::state::{Shared, Web};
use oauth_state::OauthState;
use view::{BotDone, LoginMessage, LoginPage};

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
}

pub(crate) async fn start(web: Shared, query: Query<StartQuery>) -> Answer {
    let role = match query.role.as_deref() {
        None => web.ports.engine.reader.streamer_role(),
        Some("bot") => LoginRole::Bot,
        Some(_) => {
            return Err(Problem::bad_request("The only role that can be asked for is `bot`."));
        }
    };
    let state = OauthState::new(role)?;
    let mut response = redirect(&web.ports.login.authorize_url(role, state.text()));
    set_cookie(&mut response, &state.cookie(&web.config));
    Ok(response)
}

#[derive(Deserialize)]
pub(crate) struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

pub(crate) async fn callback(web: Shared, request: HttpRequest, query: Query<CallbackQuery>) -> Answer {
    // A link from an attacker must not break a login in progress: the valid state stays valid.
    let state = query.state.as_deref();
    let role = state.and_then(|state| OauthState::verify(&web, &request, state)).ok_or_else(|| {
        try_again("This login was not started in this browser, or it was started too long ago.")
    })?;
    let answer = finish(&web, &request, role, query.into_inner()).await;
    // The state is used now, whether the login succeeded or failed.
    let mut response = answer.unwrap_or_else(HttpResponse::from_error);
    set_cookie(&mut response, &OauthState::forget(&web.config));
    Ok(response)
}

async fn finish(web: &Web, request: &HttpRequest, role: LoginRole, query: CallbackQuery) -> Answer {
    if query.error.as_deref() == Some("access_denied") {
        return Ok(redirect("/auth/login?notice=cancelled"));
    }
    let code = query.code.filter(|code| !code.is_empty());
    let code = Secret::new(code.ok_or_else(|| try_again("Twitch sent no login code."))?);
    let grant = web.ports.login.exchange(&code).await.map_err(|error| {
        warn!(%error, cause = %std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default(), "a login did not succeed");
        match error {
            LoginError::Refused(_) => try_again("Twitch did not accept the login code. It may have been used before."),
            LoginError::Unreachable(_) => twitch_is_away(),
        }
    })?;
    match role {
        LoginRole::Bot => connect_bot(web, &grant).await,
        LoginRole::Streamer | LoginRole::StreamerAndReader => sign_in(web, request, &grant, role).await,
    }
}

async fn sign_in(web: &Web, request: &HttpRequest, grant: &Grant, role: LoginRole) -> Answer {
    let streamer = web.ports.engine.accounts.sign_in(grant, role).await?;
    info!(streamer.id = %streamer.id, "{} logged in", streamer.login);
    let cookie = session::begin(web, request, streamer.id).await?;
    let mut response = redirect("/dashboard");
    set_cookie(&mut response, &cookie);
    Ok(response)
}

/// Starts no login session and ends none: whoever connects the bot keeps their own.
async fn connect_bot(web: &Web, grant: &Grant) -> Answer {
    match web.ports.engine.accounts.connect_bot(grant).await {
        Ok(bot) => {
            info!(bot.id = %bot.bot, "the bot account is connected");
            let page = view::bot_done(&BotDone { bot_name: bot.display_name });
            Ok(html(StatusCode::OK, page.into_string()))
        }
        Err(BotError::OtherAccount) => Err(Problem::forbidden(
            format!("{} is not the account that this server uses as its bot.", grant.user.display_name),
            "Log out at Twitch, log in there as the bot account, then try again.",
        )
        .with_action(&("Try again", "/auth/start?role=bot"))),
        Err(BotError::Store(error)) => Err(error.into()),
    }
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
    let form = body::read(&request, payload, body::FORM).await?;
    csrf::check(&web.config.session_key, &login, &request, csrf::field(&form).as_deref())?;
    if query.everywhere.as_deref() == Some("1") {
        web.ports.login_sessions.end_all(login.streamer.id).await?;
    } else {
        web.ports.login_sessions.end(login.hash).await?;
    }
    let mut response = redirect("/auth/login");
    set_cookie(&mut response, &session::farewell(&web.config));
    Ok(response)
}

fn try_again(what_happened: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "The login did not work",
        what_happened,
        "Nothing is lost: start the login again.",
    )
    .with_action(&("Log in again", "/auth/start"))
}

fn twitch_is_away() -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "Twitch does not answer",
        "The login could not be finished, because Twitch could not be reached.",
        "Wait a moment, then log in again.",
    )
    .with_action(&("Log in again", "/auth/start"))
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
