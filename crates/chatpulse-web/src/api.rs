//! The endpoints that the dashboard's script calls. Responses are always JSON.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use chatpulse_domain::side::Side;
use chatpulse_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::{self, Action};
use crate::dashboard::own_overlay;
use crate::error::{Answer, Problem};
use crate::guard::origin::public_base;
use crate::guard::{body, csrf};
use crate::session::{self, LoggedIn};
use crate::state::{Shared, Web};

pub(crate) async fn overlay_status(web: Shared, request: HttpRequest) -> Answer {
    let login = session::require(&web, &request).await?;
    let status = web.ports.engine.bar.status(&login.streamer).await?;
    Ok(answer(&json!({
        "viewers": status.activity.viewers,
        "chat": status.chat.as_str(),
        "last_vote_at": status.activity.last_vote_at.and_then(rfc3339),
        "votes_last_minute": status.activity.votes_last_minute,
        "limited": status.activity.limited,
        "paused": status.pause_state.map(|state| state.paused),
        "hidden": status.pause_state.map(|state| state.hidden),
    })))
}

pub(crate) async fn test_vote(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let (login, body) = allowed(&web, &request, payload, Action::TestVote).await?;
    let side = side_of(&body)
        .ok_or_else(|| Problem::bad_request("A test vote has a `side`: `for` or `against`."))?;
    match web.ports.engine.bar.test_vote(&login.streamer, side).await? {
        Some(sentiment) => Ok(answer(&json!({"status": "ok", "value": sentiment.value()}))),
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "No overlay is open",
            "There is no overlay open that could show a test vote.",
            "Open the overlay in OBS or in a browser tab, then try again.",
        )),
    }
}

pub(crate) async fn reset(web: Shared, request: HttpRequest, payload: Payload, uuid: Path<String>) -> Answer {
    let (login, _) = allowed(&web, &request, payload, Action::Reset).await?;
    own_overlay(&login, &uuid)?;
    web.ports.engine.bar.reset(&login.streamer).await?;
    audit::done(&web, &request, &login.streamer, Action::Reset);
    Ok(answer(&json!({"status": "ok"})))
}

pub(crate) async fn rotate(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let (login, _) = allowed(&web, &request, payload, Action::Rotate).await?;
    let renewed = web.ports.engine.accounts.rotate_overlay(&login.streamer).await?;
    let renewed = renewed.ok_or_else(Problem::unauthorized)?;
    audit::done(&web, &request, &login.streamer, Action::Rotate);
    let base = public_base(&request, &web.config);
    Ok(answer(&json!({
        "status": "ok",
        "new_uuid": renewed.to_string(),
        "new_url": format!("{base}/overlay/{renewed}"),
    })))
}

/// Checks the login and the CSRF token. Also returns the body, which may contain the token.
async fn allowed(
    web: &Web,
    request: &HttpRequest,
    payload: Payload,
    action: Action,
) -> Result<(LoggedIn, Bytes), Problem> {
    let login = session::require(web, request).await?;
    let body = body::read(request, payload, body::FORM).await?;
    csrf::check(web, &login, request, csrf::field(&body).as_deref(), action)?;
    Ok((login, body))
}

fn side_of(body: &[u8]) -> Option<Side> {
    #[derive(Deserialize)]
    struct TestVote {
        side: String,
    }
    let vote: TestVote = serde_json::from_slice(body).ok()?;
    Side::BOTH.into_iter().find(|side| side.as_str() == vote.side)
}

fn rfc3339(at: Timestamp) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.unix_ms) * 1_000_000).ok()?.format(&Rfc3339).ok()
}

fn answer(body: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
