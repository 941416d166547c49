//! What a streamer may take along, and how they leave.

use actix_web::http::{StatusCode, header};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_broadcast::frame::config;
use serde_json::json;

use super::{logins, stored_settings};
use crate::audit::{self, Action};
use crate::error::{Answer, Problem};
use crate::guard::origin::public_base;
use crate::guard::{body, csrf};
use crate::login::redirect;
use crate::session;
use crate::state::Shared;

/// Everything that is kept about the streamer, but for Twitch's tokens, which are sealed and good for nobody else.
pub(crate) async fn export(web: Shared, request: HttpRequest) -> Answer {
    let Some(login) = session::find(&web, &request).await? else {
        return Ok(redirect("/auth/login"));
    };
    let stored = stored_settings(&web, &login).await?;
    let streamer = &login.streamer;
    let account = json!({
        "twitch_user_id": streamer.twitch_id.as_str(),
        "login": streamer.login,
        "display_name": streamer.display_name,
        "overlay_url": format!("{}/overlay/{}", public_base(&request, &web.config), streamer.overlay),
    });
    let export = json!({
        "about": "Everything ChatPulse keeps about you. The tokens that Twitch gave us are kept encrypted and are not in here. Votes are kept as numbers, for as long as the bar counts them; where each viewer counts once, with who voted for what.",
        "account": account,
        "logins": logins::for_export(&web, &login).await?,
        "settings": config(&stored),
    });
    let text = serde_json::to_string_pretty(&export).unwrap_or_default();
    audit::done(&web, &request, streamer, Action::Export);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"chatpulse.json\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}

/// Only with the login name typed beside it and soon after a login: it cannot be undone.
pub(crate) async fn delete_account(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let Some(login) = session::find(&web, &request).await? else {
        return Ok(redirect("/auth/login"));
    };
    let form = body::read(&request, payload, body::FORM).await?;
    csrf::check(&web, &login, &request, csrf::field(&form).as_deref(), Action::Delete)?;
    if !login.is_recent(&web) {
        audit::refused(&web, &request, &login.streamer, Action::Delete, "login_too_old");
        return Err(Problem::forbidden(
            "Your account is still there. Deleting it takes a login that is not older than ten minutes, so that nobody else does it in your browser.",
            "Log in again, then delete it on the dashboard.",
        )
        .with_action(&("Log in again", "/auth/start")));
    }
    let typed = url::form_urlencoded::parse(&form).find(|(name, _)| name == "confirm");
    let typed = typed.map(|(_, value)| value.trim().trim_start_matches('@').to_lowercase());
    if typed.as_deref() != Some(login.streamer.login.to_lowercase().as_str()) {
        audit::refused(&web, &request, &login.streamer, Action::Delete, "not_confirmed");
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Your account is still there",
            "To delete it, type your Twitch login name beside the button. What was typed is another one.",
            "Go back to the dashboard and try again, if you are sure.",
        )
        .with_action(&("Back to the dashboard", "/dashboard")));
    }
    web.ports.engine.accounts.delete(&login.streamer).await?;
    audit::done(&web, &request, &login.streamer, Action::Delete);
    Ok(session::farewell(&web, &request, "/auth/login?notice=deleted"))
}
