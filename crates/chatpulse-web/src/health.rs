//! Endpoints for operators and orchestrators: liveness, readiness, metrics, version.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::health::HealthCheck;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use tracing::warn;

use crate::error::{Answer, Problem};
use crate::guard::random::same;
use crate::state::{Shared, Web};

const READY_WITHIN: Duration = Duration::from_millis(4_500);
const STARTUP_WITHIN: Duration = Duration::from_millis(1_800);

pub(crate) async fn live(web: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok", "uptime": web.started.elapsed().as_secs()}))
}

/// Answers 503 as soon as shutdown begins, so that a load balancer sends requests elsewhere.
pub(crate) async fn ready(web: Shared) -> HttpResponse {
    if web.stop.is_cancelled() {
        return unhealthy("shutdown", "the server is stopping");
    }
    check_all(&web, READY_WITHIN).await
}

pub(crate) async fn startup(web: Shared) -> HttpResponse {
    check_all(&web, STARTUP_WITHIN).await
}

async fn check_all(web: &Web, within: Duration) -> HttpResponse {
    let deadline = tokio::time::Instant::now() + within;
    let mut checks = Map::new();
    for health in &web.ports.health {
        match check(health.as_ref(), deadline).await {
            Ok(words) => checks.insert(health.name().to_owned(), Value::from(words)),
            Err(words) => return unhealthy(health.name(), words),
        };
    }
    HttpResponse::Ok().json(json!({"status": "ready", "checks": checks}))
}

/// Checks one dependency. The returned text is safe for any client; the cause is only logged. A dependency that takes no
/// writes leaves the server ready, since neither a restart nor another instance would help.
async fn check(
    health: &dyn HealthCheck,
    deadline: tokio::time::Instant,
) -> Result<&'static str, &'static str> {
    match timeout(deadline.saturating_duration_since(tokio::time::Instant::now()), health.check()).await {
        Ok(Ok(())) => Ok("ok"),
        Ok(Err(StoreError::RefusesWrites { .. })) => Ok("read_only"),
        Ok(Err(error)) => {
            warn!(check = health.name(), %error, "not ready");
            Err("it does not answer as it should")
        }
        Err(_) => {
            warn!(check = health.name(), "not ready: no answer in time");
            Err("it does not answer in time")
        }
    }
}

fn unhealthy(failed_check: &str, words: &str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .json(json!({"status": "unhealthy", "failed_check": failed_check, "error": words}))
}

pub(crate) async fn metrics(web: Shared, request: HttpRequest) -> Answer {
    if let Some(token) = &web.config.metrics_token {
        let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let sent = sent.and_then(|value| value.split_once(' '));
        let sent = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
        if !same(sent.map_or("", |(_, token)| token), token.expose()) {
            return Err(Problem {
                authenticate: Some("Bearer"),
                ..Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "Metrics need a token",
                    "The bearer token is missing or wrong.",
                    "Send the value of METRICS_TOKEN as a bearer token.",
                )
            });
        }
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body((web.ports.metrics)()))
}

pub(crate) async fn version(web: Shared) -> HttpResponse {
    HttpResponse::Ok().json(web.config.build)
}
