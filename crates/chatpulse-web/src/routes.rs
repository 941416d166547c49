//! All routes.

use actix_web::guard::{Any, Get, Head};
use actix_web::web::{self, Path, ServiceConfig, post, resource};
use actix_web::{HttpResponse, Route, http::header};

use crate::{api, assets, dashboard, health, login, operators, overlay, webhook};

/// The routes of the public listener, without those of [`operators()`].
pub(crate) fn public(config: &mut ServiceConfig) {
    config
        .service(resource("/").route(get().to(home)))
        // Logging in. What a login spends is not for HEAD.
        .service(resource("/auth/login").route(get().to(login::page)))
        .service(resource("/auth/start").route(web::get().to(login::start)))
        .service(resource("/auth/callback").route(web::get().to(login::callback)))
        .service(resource("/auth/logout").route(post().to(login::logout)))
        // The streamer
        .service(resource("/dashboard").route(get().to(dashboard::page)))
        .service(resource("/dashboard/config").route(post().to(dashboard::save)))
        .service(resource("/dashboard/try").route(post().to(dashboard::try_line)))
        .service(resource("/dashboard/stage").route(post().to(dashboard::undo_pause)))
        .service(resource("/dashboard/end-login").route(post().to(dashboard::end_login)))
        .service(resource("/dashboard/export").route(get().to(dashboard::export)))
        .service(resource("/dashboard/delete-account").route(post().to(dashboard::delete_account)))
        .service(resource("/api/overlay-status").route(get().to(api::overlay_status)))
        .service(resource("/api/test-vote").route(post().to(api::test_vote)))
        .service(resource("/api/reset/{uuid}").route(post().to(api::reset)))
        .service(resource("/api/rotate-overlay-uuid").route(post().to(api::rotate)))
        // The viewers
        .service(resource("/overlay/{uuid}").route(get().to(overlay::page)))
        .service(resource("/overlay/{rest:.*}").route(get().to(overlay::elsewhere)))
        .service(resource("/ws/overlay/{uuid}").route(web::get().to(overlay::connect)))
        // Twitch
        .service(resource("/webhooks/eventsub").route(post().to(webhook::receive)))
        // Style sheets, scripts, pictures
        .service(resource("/assets/{name}").route(get().to(assets_file)));
    health(config);
}

/// The routes that every listener has.
pub(crate) fn health(config: &mut ServiceConfig) {
    config
        .service(resource("/health/live").route(get().to(health::live)))
        .service(resource("/health/ready").route(get().to(health::ready)))
        .service(resource("/health/startup").route(get().to(health::startup)))
        .service(resource("/health/serving").route(get().to(health::serving)));
}

/// The routes for operators. They are on the public listener unless operators have one of their own.
pub(crate) fn operators(config: &mut ServiceConfig) {
    config
        .service(resource("/metrics").route(get().to(operators::metrics)))
        .service(resource("/version").route(get().to(operators::version)));
}

/// Answers HEAD like GET, without the body.
fn get() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

async fn home() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/dashboard")).finish()
}

/// May be cached forever: changed content gets another name.
async fn assets_file(name: Path<String>) -> HttpResponse {
    let Some(asset) = assets::find(&name) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, asset.content_type))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.body.clone())
}
