//! Endpoints for orchestrators and load balancers: liveness, readiness, serving.

mod checks;

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use chatpulse_domain::ports::health::HealthCheck;
use serde_json::json;

use crate::state::{Shared, Web};
use checks::{Checks, Failed};

const READY_WITHIN: Duration = Duration::from_millis(4_500);
const STARTUP_WITHIN: Duration = Duration::from_millis(1_800);

/// What readiness and startup ask.
pub(crate) struct Health {
    ready: Checks,
    startup: Checks,
}

impl Health {
    pub(crate) fn new(health: &[Arc<dyn HealthCheck>]) -> Self {
        Self {
            ready: Checks::new(health.to_vec(), READY_WITHIN),
            startup: Checks::new(health.to_vec(), STARTUP_WITHIN),
        }
    }
}

pub(crate) async fn live(web: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok", "uptime": web.started.elapsed().as_secs()}))
}

/// Answers 503 as soon as shutdown begins, so that a load balancer sends requests elsewhere.
pub(crate) async fn ready(web: Shared) -> HttpResponse {
    if web.is_leaving() {
        return stopping();
    }
    let answer = respond(&web.health.ready).await;
    // The shutdown may have begun during the check.
    if web.is_leaving() { stopping() } else { answer }
}

pub(crate) async fn startup(web: Shared) -> HttpResponse {
    respond(&web.health.startup).await
}

/// Answers whether this instance should get requests. Asks no dependency: one that all instances share must not take
/// all of them out at once, because webhooks have to be answered all the same.
pub(crate) async fn serving(web: Shared) -> HttpResponse {
    if web.is_leaving() { stopping() } else { HttpResponse::Ok().json(json!({"status": "serving"})) }
}

async fn respond(checks: &Checks) -> HttpResponse {
    match checks.answer().await {
        Ok(states) => HttpResponse::Ok().json(json!({"status": "ready", "checks": states})),
        Err(failed) => unhealthy(failed),
    }
}

fn stopping() -> HttpResponse {
    unhealthy(Failed { check: "shutdown", words: "the server is stopping" })
}

fn unhealthy(failed: Failed) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .json(json!({"status": "unhealthy", "failed_check": failed.check, "error": failed.words}))
}

impl Web {
    /// Returns whether a stop was asked for.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled() || self.stop.is_cancelled()
    }
}
