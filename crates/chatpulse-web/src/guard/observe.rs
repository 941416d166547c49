//! Middleware for every request: id, head size, rate limit, error responses, headers, metrics, log.
//!
//! It never writes query strings or full paths to the log or to labels: they contain login codes and overlay ids.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::error::{Asker, Problem, render};
use crate::guard::headers::secure;
use crate::guard::limits::Bucket;
use crate::guard::origin::{client_ip, public_base};
use crate::state::Shared;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Slower requests are logged.
const SLOW: Duration = Duration::from_secs(1);

pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let web = request.app_data::<Shared>().cloned();
    let path = request.match_info().as_str().to_owned();
    let asker = Asker::of(&path, request.headers(), request_id(&request));
    let method = method_label(request.method());
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());

    let refused = match &web {
        _ if head_bytes(&request) > HEAD_BYTES_MAX => Some(head_too_large()),
        Some(web) => over_limit(web, &request, &path),
        None => None,
    };
    let (http_request, response) = if let Some(problem) = refused {
        (request.into_parts().0, HttpResponse::from_error(problem))
    } else {
        match next.call(request).await {
            Ok(answered) => {
                let (http_request, response) = answered.into_parts();
                (http_request, response.map_into_boxed_body())
            }
            Err(error) => return Err(error),
        }
    };

    let mut response = render(response, &asker);
    if let Some(web) = &web {
        let base = public_base(&http_request, &web.config);
        secure(response.headers_mut(), &path, &base, web.config.production);
    }
    if let Ok(id) = HeaderValue::from_str(&asker.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    count(&route, method, response.status(), started.elapsed());
    log(&route, method, response.status(), started.elapsed(), &asker.request_id);
    Ok(ServiceResponse::new(http_request, response))
}

/// Uses the caller's request id if it is valid, so that a request can be traced through a proxy.
fn request_id(request: &ServiceRequest) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let sane = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=:;/+@".contains(&b))
    };
    sent.filter(sane).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

fn head_bytes(request: &ServiceRequest) -> usize {
    let line = request.uri().to_string().len() + request.method().as_str().len() + " HTTP/1.1\r\n".len() + 1;
    let header =
        |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + ": \r\n".len();
    line + request.headers().iter().map(header).sum::<usize>()
}

pub(crate) fn head_too_large() -> Problem {
    Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "That is too much",
        "Address and headers together are larger than 16 KiB.",
        "Clear this site's cookies, then try again.",
    )
}

/// Checks the rate limit by the decoded path that routes match, so that a spelling such as `%61uth` does not bypass
/// it.
fn over_limit(web: &Shared, request: &ServiceRequest, path: &str) -> Option<Problem> {
    let bucket = Bucket::of(path)?;
    let ip = client_ip(request.peer_addr(), request.headers(), &web.config.trusted_proxies);
    web.limits.take(bucket, ip).err().map(Problem::too_many_requests)
}

/// Returns one of a fixed set of labels, because clients can invent methods.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::HEAD,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const LABELS: [&str; 7] = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("other", |place| LABELS[place])
}

fn count(route: &str, method: &'static str, status: StatusCode, took: Duration) {
    let labels =
        [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.as_u16().to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", "route" => route.to_owned()).record(took);
}

/// Counts a refusal that never became a request: it has no route and no duration.
pub(crate) fn count_refused(status: StatusCode) {
    let labels = [
        ("route", "unmatched".to_owned()),
        ("method", "other".to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
}

fn log(route: &str, method: &'static str, status: StatusCode, took: Duration, request_id: &str) {
    let (status, took_ms) = (status.as_u16(), took.as_millis());
    if status >= 500 {
        warn!(
            http.route = route,
            http.method = method,
            http.status = status,
            took_ms,
            request.id = request_id,
            "{method} {route} answered {status}"
        );
    } else if status >= 400 || took > SLOW {
        info!(
            http.route = route,
            http.method = method,
            http.status = status,
            took_ms,
            request.id = request_id,
            "{method} {route} answered {status}"
        );
    } else {
        debug!(
            http.route = route,
            http.method = method,
            http.status = status,
            took_ms,
            request.id = request_id,
            "{method} {route} answered {status}"
        );
    }
}
