//! Middleware for all requests: counts, delays, injects faults, and applies the rate limit.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, ContentType, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use time::OffsetDateTime;

use crate::faults::{Endpoint, Fault};
use crate::quota::Points;
use crate::shared::Shared;
use crate::tokens::Owner;

/// Passes a request on, or answers it.
pub(crate) async fn pass(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let endpoint = Endpoint::of(request.method().as_str(), request.path());
    let bearer = bearer(request.headers()).map(str::to_owned);
    let is_api = request.path().starts_with("/helix/");
    let (fault, latency, points) = shared.change(|world| {
        let fault = endpoint.and_then(|endpoint| world.faults.meet(endpoint));
        let token = bearer.as_deref().and_then(|token| world.tokens.valid(token));
        let owner = token.map(|token| match &token.owner {
            Owner::App => "app".to_owned(),
            Owner::User(id) => id.clone(),
        });
        let points = is_api.then(|| world.quota.take(&owner.unwrap_or_default()));
        (fault, world.faults.latency, points)
    });
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let refusal = match (fault, points) {
        // A kept-alive connection may outlive the stop briefly; requests on it get 503.
        _ if shared.stop.is_cancelled() => Some(Fault::status(503)),
        (Some(fault), _) => Some(fault),
        (None, Some(points)) if !points.granted => Some(Fault::status(429)),
        _ => None,
    };
    let mut response = match refusal {
        Some(fault) => request.into_response(answer(&fault)),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    if let Some(points) = points {
        add_rate_limit(response.headers_mut(), points);
    }
    Ok(response)
}

/// Returns the token of an `Authorization` header, with either of Twitch's two schemes.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    known.then(|| token.trim())
}

fn answer(fault: &Fault) -> HttpResponse {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::json());
    for (name, value) in &fault.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    response.body(fault.body.clone())
}

fn add_rate_limit(headers: &mut HeaderMap, points: Points) {
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
    let values = [
        ("ratelimit-limit", u64::from(points.limit)),
        ("ratelimit-remaining", u64::from(points.remaining)),
        ("ratelimit-reset", now + points.full_in),
    ];
    for (name, value) in values {
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}
