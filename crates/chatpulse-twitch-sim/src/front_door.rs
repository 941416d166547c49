//! Middleware for all requests: counts, delays, injects faults, and applies the rate limit of the API.

use std::collections::HashMap;
use std::time::Instant;

use std::time::SystemTime;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, ContentType, DATE, HeaderMap, HeaderName, HeaderValue, HttpDate,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use time::{Duration, OffsetDateTime};

use crate::faults::{Endpoint, Fault};
use crate::shared::Shared;
use crate::tokens::Owner;

/// How long an empty bucket of the rate limit takes to be full again.
const SECONDS_TO_FILL: f64 = 60.0;

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
    if shared.config.dates_ahead_secs != 0 {
        let ahead = Duration::seconds(shared.config.dates_ahead_secs);
        let date = HttpDate::from(SystemTime::now() + ahead);
        response
            .headers_mut()
            .insert(DATE, HeaderValue::from_str(&date.to_string()).map_err(ErrorInternalServerError)?);
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

/// The rate limit of the API: one bucket of points for each token owner.
#[derive(Debug)]
pub(crate) struct Quota {
    capacity: u32,
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    points: f64,
    counted: Instant,
}

/// The values of the `Ratelimit-*` headers of one response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Points {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the bucket is full again.
    pub(crate) full_in: u64,
    /// False if the bucket was empty; the call must be answered with 429.
    pub(crate) granted: bool,
}

impl Quota {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { capacity, buckets: HashMap::new() }
    }

    /// Takes one point from the bucket of `owner`, if it has one.
    pub(crate) fn take(&mut self, owner: &str) -> Points {
        let now = Instant::now();
        let capacity = f64::from(self.capacity);
        let fresh = || Bucket { points: capacity, counted: now };
        let bucket = self.buckets.entry(owner.to_owned()).or_insert_with(fresh);

        let elapsed = now.duration_since(bucket.counted).as_secs_f64();
        bucket.points = (bucket.points + elapsed * capacity / SECONDS_TO_FILL).min(capacity);
        bucket.counted = now;
        let granted = bucket.points >= 1.0;
        if granted {
            bucket.points -= 1.0;
        }
        let missing = (capacity - bucket.points) / capacity.max(1.0) * SECONDS_TO_FILL;
        Points {
            limit: self.capacity,
            remaining: whole(bucket.points),
            full_in: whole(missing.ceil()).into(),
            granted,
        }
    }
}

/// Rounds down a number of points or seconds.
fn whole(number: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the capacity, a u32")]
    let whole = number as u32;
    whole
}
