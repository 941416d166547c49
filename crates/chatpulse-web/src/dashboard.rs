//! The streamer's page: settings, preview and overlay URL.

mod fields;
mod form;
mod input;
mod leaving;
mod logins;
mod questions;
mod try_line;
mod view;

use actix_web::cookie::time::Duration as CookieAge;
use actix_web::http::StatusCode;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::command::ModCommand;
use chatpulse_domain::overlay::{PauseState, VersionedSettings};
use chatpulse_domain::ports::settings::SaveOutcome;
use chatpulse_engine::bar::BarStatus;
use tracing::warn;

use crate::audit::{self, Action};
use crate::error::{Answer, Problem, accepts_json};
use crate::guard::origin::public_base;
use crate::guard::{body, cookies, csrf};
use crate::login::{html, redirect, set_cookie};
use crate::session::{self, LoggedIn};
use crate::state::{Shared, Web};
use form::SettingsForm;
use input::SettingsInput;
pub(crate) use leaving::{delete_account, export};
pub(crate) use logins::end_login;
use try_line::TriedLine;
pub(crate) use try_line::try_line;
use view::{BotHint, DashboardPage, Notice, Notices};

pub(crate) async fn page(web: Shared, request: HttpRequest) -> Answer {
    let Some(login) = session::find(&web, &request).await? else {
        return Ok(redirect("/auth/login"));
    };
    let stored = stored_settings(&web, &login).await?;
    let saved = cookies::values(&request, cookies::SAVED, &web.config);
    let notice = saved.iter().any(|value| !value.is_empty()).then_some(Notice::Saved);
    let shown =
        Shown { form: SettingsForm::of(&stored), pause_state: stored.pause_state, notice, tried: None };
    let mut page = show(&web, &request, &login, StatusCode::OK, shown).await?;
    if notice.is_some() {
        set_cookie(&mut page, &cookies::end(cookies::SAVED, &web.config));
    }
    Ok(page)
}

/// Answers a form post with a page and a script's request with JSON; errors keep the input in both.
pub(crate) async fn save(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let for_script = accepts_json(request.headers());
    let Some(login) = session::find(&web, &request).await? else {
        return if for_script { Err(Problem::unauthorized()) } else { Ok(redirect("/auth/login")) };
    };
    let body = body::read(&request, payload, body::FORM).await?;
    let input = SettingsInput::read(&body);
    csrf::check(&web, &login, &request, input.csrf_token.as_deref(), Action::Save)?;
    let answer = save_input(&web, &request, &login, input).await;
    let status = answer.as_ref().map_or_else(|problem| problem.status, HttpResponse::status);
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => {
            audit::refused(&web, &request, &login.streamer, Action::Save, "invalid");
        }
        StatusCode::CONFLICT => audit::refused(&web, &request, &login.streamer, Action::Save, "stale"),
        _ if status.is_server_error() => audit::failed(&web, &request, &login.streamer, Action::Save),
        _ => audit::done(&web, &request, &login.streamer, Action::Save),
    }
    answer
}

async fn save_input(web: &Web, request: &HttpRequest, login: &LoggedIn, input: SettingsInput) -> Answer {
    let for_script = accepts_json(request.headers());
    let stored = stored_settings(web, login).await?;
    let (settings, based_on) = match input.parse(&stored.settings) {
        Ok(parsed) => parsed,
        Err(problems) if for_script => return Err(invalid(problems)),
        Err(problems) => {
            let pause_state = stored.pause_state;
            let form = input.into_form(&stored, problems);
            let shown = Shown { form, pause_state, notice: Some(Notice::Invalid), tried: None };
            return show(web, request, login, StatusCode::UNPROCESSABLE_ENTITY, shown).await;
        }
    };
    match web.ports.engine.settings.save(&login.streamer, &settings, based_on).await? {
        SaveOutcome::Saved(stored) if for_script => Ok(HttpResponse::Ok().json(serde_json::json!({
            "status": "ok",
            "version": stored.version.0,
            "questions": {
                "for_trigger": questions::about(stored.settings.for_triggers.typed()),
                "against_trigger": questions::about(stored.settings.against_triggers.typed()),
            },
        }))),
        SaveOutcome::Saved(_) => {
            let mut response = redirect("/dashboard");
            set_cookie(
                &mut response,
                &cookies::build(cookies::SAVED, "1".to_owned(), CookieAge::minutes(1), &web.config),
            );
            Ok(response)
        }
        SaveOutcome::Stale(_) if for_script => Err(changed_elsewhere()),
        SaveOutcome::Stale(stored) => {
            let mut form = input.into_form(&stored, form::Problems::new());
            // Give the page the newest version, so that saving again overwrites the newer settings deliberately.
            form.version = stored.version.0.to_string();
            let notice = Some(Notice::ChangedElsewhere);
            let shown = Shown { form, pause_state: stored.pause_state, notice, tried: None };
            show(web, request, login, StatusCode::CONFLICT, shown).await
        }
        SaveOutcome::NoStreamer => Err(Problem::unauthorized()),
    }
}

/// Resumes voting or shows the overlay again, even while chat is not read.
pub(crate) async fn undo_pause(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let Some(login) = session::find(&web, &request).await? else {
        return Ok(redirect("/auth/login"));
    };
    let body = body::read(&request, payload, body::FORM).await?;
    csrf::check(&web, &login, &request, csrf::field(&body).as_deref(), Action::ResumeOrShow)?;
    let order = url::form_urlencoded::parse(&body).find(|(name, _)| name == "order");
    let command = match order.as_ref().map(|(_, value)| value.as_ref()) {
        Some("resume") => ModCommand::Resume,
        Some("show") => ModCommand::Show,
        _ => return Err(Problem::bad_request("An `order` is `resume` or `show`.")),
    };
    if let Some(change) = command.pause_change() {
        web.ports.engine.settings.change_pause(login.streamer.overlay, change).await?;
        audit::done(&web, &request, &login.streamer, Action::ResumeOrShow);
    }
    Ok(redirect("/dashboard"))
}

/// Checks that the UUID in a path is the caller's own overlay.
pub(crate) fn own_overlay(login: &LoggedIn, uuid: &Path<String>) -> Result<(), Problem> {
    let asked: chatpulse_domain::ids::OverlayId =
        uuid.parse().map_err(|_| Problem::bad_request("The URL ends in a UUID; this one does not."))?;
    if asked == login.streamer.overlay {
        return Ok(());
    }
    Err(Problem::forbidden(
        "That overlay is not yours, or its URL was reset.",
        "Reload the dashboard and try again.",
    ))
}

async fn stored_settings(web: &Web, login: &LoggedIn) -> Result<VersionedSettings, Problem> {
    web.ports.engine.settings.find(&login.streamer).await?.ok_or_else(Problem::unauthorized)
}

/// Page content besides the account and live state.
struct Shown {
    form: SettingsForm,
    pause_state: PauseState,
    notice: Option<Notice>,
    tried: Option<TriedLine>,
}

async fn show(
    web: &Web,
    request: &HttpRequest,
    login: &LoggedIn,
    status: StatusCode,
    shown: Shown,
) -> Answer {
    let overlay_path = format!("/overlay/{}", login.streamer.overlay);
    let page = view::page(&DashboardPage {
        display_name: login.streamer.display_name.clone(),
        login: login.streamer.login.clone(),
        csrf_token: csrf::token(&web.config.session_key, login),
        overlay_url: format!("{}{overlay_path}", public_base(request, &web.config)),
        overlay_path,
        overlay_id: login.streamer.overlay.to_string(),
        form: shown.form,
        tried: shown.tried,
        notices: Notices {
            saving: shown.notice,
            bot: bot_hint(web).await,
            clock: (web.ports.clock_offset)().filter(|offset| offset.is_far_off()),
            proxy: web.proxies.faults(request, &web.config.trusted_proxies),
            pause_state: shown.pause_state,
        },
        limited: votes_are_limited(web, login).await,
        logins: logins::list(web, login).await?,
        login_is_recent: login.is_recent(web),
    });
    Ok(html(status, page.into_string()))
}

/// Returns a hint only if a shared bot is used: in Solo the streamer connects the bot by logging in.
async fn bot_hint(web: &Web) -> Option<BotHint> {
    match web.ports.engine.accounts.bot_is_connected().await {
        Ok(Some(false)) => Some(BotHint {
            words: "The account that reads chat is not connected yet, so votes from chat do not count."
                .to_owned(),
            link_label: "Connect the bot account".to_owned(),
            href: "/auth/start?role=bot".to_owned(),
        }),
        Ok(_) => None,
        Err(error) => {
            warn!(%error, "failed to look up whether the bot is connected");
            None
        }
    }
}

/// Returns false if the store of live state is unreachable, so that the page works without it.
async fn votes_are_limited(web: &Web, login: &LoggedIn) -> bool {
    let status: Option<BarStatus> = web.ports.engine.bar.status(&login.streamer).await.ok();
    status.is_some_and(|status| status.activity.limited)
}

fn invalid(problems: form::Problems) -> Problem {
    Problem {
        fields: problems,
        ..Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Not saved",
            "Some fields are not valid.",
            "Correct the marked fields, then save again.",
        )
    }
}

fn changed_elsewhere() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "Changed in another tab",
        "These settings were changed in another tab since this page was loaded.",
        "Reload the page to see them; what you typed is kept.",
    )
}
