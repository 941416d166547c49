//! A browser comes back from Twitch: with a code, with a refusal, or once more.

use actix_web::http::StatusCode;
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::login::{Grant, LoginRole};
use chatpulse_domain::ports::twitch_login::LoginError;
use chatpulse_domain::secret::Secret;
use chatpulse_engine::accounts::{BotError, SignInError};
use serde::Deserialize;
use tracing::{info, warn};

use super::oauth_state::{self, OauthState};
use super::view::{self, BotDone};
use super::{html, redirect, set_cookie};
use crate::audit::{self, Action, Actor};
use crate::error::{Answer, Problem};
use crate::session;
use crate::state::{Shared, Web};

#[derive(Deserialize)]
pub(crate) struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

pub(crate) async fn callback(web: Shared, request: HttpRequest, query: Query<CallbackQuery>) -> Answer {
    let query = query.into_inner();
    if query.error.as_deref() == Some("redirect_mismatch") {
        return Err(not_registered(&web.config.redirect_uri));
    }
    let state = query.state.clone().unwrap_or_default();
    // A link from an attacker must not break a login in progress: the valid state stays valid.
    let Some(started) = OauthState::find(&web, &request, &state) else {
        return not_started_here(&web, &request, &state).await;
    };
    if !started.spend(&web).await? {
        return not_started_here(&web, &request, &state).await;
    }
    let answer = finish(&web, &request, started.role, query).await;
    let mut response = answer.unwrap_or_else(HttpResponse::from_error);
    set_cookie(&mut response, &started.forget(&web.config));
    Ok(response)
}

/// Who is logged in and loads the page of their login again finds the dashboard; for everybody else the state is wrong.
async fn not_started_here(web: &Web, request: &HttpRequest, state: &str) -> Answer {
    if !state.is_empty()
        && session::find(web, request).await?.is_some()
        && oauth_state::is_spent(web, state).await?
    {
        return Ok(redirect("/dashboard"));
    }
    audit::refused(web, request, Actor::UNKNOWN, Action::Login, "state");
    let what_happened = "This login was not started in this browser, or it was started too long ago.";
    Err(try_again(LoginRole::Streamer, what_happened))
}

async fn finish(web: &Web, request: &HttpRequest, role: LoginRole, query: CallbackQuery) -> Answer {
    if query.error.as_deref() == Some("access_denied") {
        return Ok(redirect("/auth/login?notice=cancelled"));
    }
    let action = if role == LoginRole::Bot { Action::BotRole } else { Action::Login };
    let Some(code) = query.code.filter(|code| !code.is_empty()) else {
        audit::refused(web, request, Actor::UNKNOWN, action, "no_code");
        return Err(try_again(role, "Twitch sent no login code."));
    };
    let grant = web.ports.login.exchange(&Secret::new(code)).await.map_err(|error| {
        warn!(%error, cause = %std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default(), "a login did not succeed");
        match error {
            LoginError::Refused(_) => {
                audit::refused(web, request, Actor::UNKNOWN, action, "code");
                try_again(role, "Twitch did not accept the login code. It may have been used before.")
            }
            LoginError::Unreachable(_) => twitch_is_away(role),
        }
    })?;
    match role {
        LoginRole::Bot => connect_bot(web, request, &grant).await,
        LoginRole::Streamer | LoginRole::StreamerAndReader => sign_in(web, request, &grant, role).await,
    }
}

async fn sign_in(web: &Web, request: &HttpRequest, grant: &Grant, role: LoginRole) -> Answer {
    let streamer = match web.ports.engine.accounts.sign_in(grant, role).await {
        Ok(streamer) => streamer,
        Err(SignInError::NotAdmitted) => {
            audit::refused(web, request, &grant.user, Action::Login, "not_admitted");
            return Err(not_admitted(&grant.user.display_name));
        }
        Err(SignInError::Store(error)) => return Err(error.into()),
    };
    let cookie = session::begin(web, request, streamer.id).await?;
    info!(streamer.id = %streamer.id, "{} logged in", streamer.login);
    audit::done(web, request, &streamer, Action::Login);
    let mut response = redirect("/dashboard");
    set_cookie(&mut response, &cookie);
    Ok(response)
}

/// Starts no login session and ends none: whoever connects the bot keeps their own.
async fn connect_bot(web: &Web, request: &HttpRequest, grant: &Grant) -> Answer {
    match web.ports.engine.accounts.connect_bot(grant).await {
        Ok(bot) => {
            info!(bot.id = %bot.bot, "the bot account is connected");
            audit::done(web, request, &grant.user, Action::BotRole);
            let page = view::bot_done(&BotDone { bot_name: bot.display_name });
            Ok(html(StatusCode::OK, page.into_string()))
        }
        Err(BotError::OtherAccount) => {
            audit::refused(web, request, &grant.user, Action::BotRole, "other_account");
            Err(Problem::forbidden(
                format!("{} is not the account that this server uses as its bot.", grant.user.display_name),
                "Log out at Twitch, log in there as the bot account, then try again.",
            )
            .with_action(&("Try again", "/auth/start?role=bot")))
        }
        Err(BotError::Store(error)) => Err(error.into()),
    }
}

fn not_admitted(name: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "This account can’t log in here",
        format!("{name} is not among the accounts that this ChatPulse is for. Nothing of it was kept."),
        "Log out at Twitch and log in there with another account, or ask whoever runs this server to add yours to ALLOWED_STREAMERS.",
    )
    .with_action(&("Try another account", "/auth/start"))
}

/// For the operator, since a visitor can do nothing about it.
fn not_registered(redirect_uri: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "Twitch does not know this address",
        format!("The redirect URL {redirect_uri} is not registered with the Twitch application."),
        "Whoever runs this server has to add exactly this URL to the application at dev.twitch.tv/console, or correct TWITCH_REDIRECT_URI. Then log in again.",
    )
    .with_action(&("Log in again", "/auth/start"))
}

fn try_again(role: LoginRole, what_happened: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "The login did not work",
        what_happened,
        "Nothing is lost: start the login again.",
    )
    .with_action(again(role))
}

fn twitch_is_away(role: LoginRole) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "Twitch does not answer",
        "The login could not be finished, because Twitch could not be reached.",
        "Wait a moment, then log in again.",
    )
    .with_action(again(role))
}

fn again(role: LoginRole) -> &'static (&'static str, &'static str) {
    if role == LoginRole::Bot {
        &("Try again", "/auth/start?role=bot")
    } else {
        &("Log in again", "/auth/start")
    }
}
