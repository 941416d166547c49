//! Endpoints for operators: metrics and version, behind the bearer token if there is one.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use crate::error::{Answer, Problem};
use crate::state::{Shared, Web};

pub(crate) async fn metrics(web: Shared, request: HttpRequest) -> Answer {
    authorize(&web, &request)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body((web.ports.metrics)()))
}

pub(crate) async fn version(web: Shared, request: HttpRequest) -> Answer {
    authorize(&web, &request)?;
    Ok(HttpResponse::Ok().json(web.config.build))
}

fn authorize(web: &Web, request: &HttpRequest) -> Result<(), Problem> {
    let Some(token) = &web.config.metrics_token else { return Ok(()) };
    let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.split_once(' '));
    let sent = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    // Compare hashes, so that the time says nothing about the token, not even its length.
    let key = &web.config.session_key;
    let expected = key.hash("metrics token", token.expose().as_bytes());
    if sent.is_some_and(|(_, sent)| key.verifies("metrics token", sent.as_bytes(), &expected)) {
        return Ok(());
    }
    Err(Problem {
        authenticate: Some("Bearer"),
        ..Problem::new(
            StatusCode::UNAUTHORIZED,
            "Metrics and version need a token",
            "The bearer token is missing or wrong.",
            "Send the value of METRICS_TOKEN as a bearer token.",
        )
    })
}
