//! "Would this count?": says which side a line of chat would vote for.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::message::VoteText;
use chatpulse_domain::side::Side;
use serde_json::json;

use super::form::SettingsForm;
use super::input::SettingsInput;
use super::{Shown, invalid, show, stored_settings};
use crate::audit::Action;
use crate::error::{Answer, Problem, accepts_json};
use crate::guard::{body, csrf};
use crate::login::redirect;
use crate::session;
use crate::state::Shared;

/// A line that was tried.
#[derive(Debug, Clone)]
pub(super) struct TriedLine {
    /// As it was typed.
    pub(super) line: String,
    /// What would come of it.
    pub(super) verdict: &'static str,
}

/// A script sends the form as it stands, and the line is tried with that; without script what is saved counts.
pub(crate) async fn try_line(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let for_script = accepts_json(request.headers());
    let Some(login) = session::find(&web, &request).await? else {
        return if for_script { Err(Problem::unauthorized()) } else { Ok(redirect("/auth/login")) };
    };
    let body = body::read(&request, payload, body::FORM).await?;
    csrf::check(&web, &login, &request, csrf::field(&body).as_deref(), Action::TryLine)?;
    let field = url::form_urlencoded::parse(&body).find(|(name, _)| name == "line");
    let line = field.map(|(_, line)| line.into_owned()).unwrap_or_default();

    let stored = stored_settings(&web, &login).await?;
    let input = SettingsInput::read(&body);
    let settings = if input.has_triggers() {
        input.parse(&stored.settings).map_err(invalid)?.0
    } else {
        stored.settings.clone()
    };
    let text = VoteText::of(&line);
    let side = settings.side_of(&text);
    let verdict = verdict(side, &text);
    if for_script {
        return Ok(HttpResponse::Ok().json(json!({ "side": side.map(Side::as_str), "words": verdict })));
    }
    let shown = Shown {
        form: SettingsForm::of(&stored),
        pause_state: stored.pause_state,
        notice: None,
        tried: Some(TriedLine { line, verdict }),
    };
    show(&web, &request, &login, StatusCode::OK, shown).await
}

fn verdict(side: Option<Side>, text: &VoteText) -> &'static str {
    match side {
        Some(Side::For) => "Counts as a vote for.",
        Some(Side::Against) => "Counts as a vote against.",
        None if text.line.is_empty() => "Type a line first.",
        None => "Doesn’t count.",
    }
}
