//! Middleware for every request: id, head size, rate limit, error responses, headers, metrics, log.
//!
//! It never writes query strings or full paths to the log or to labels: they contain login codes and overlay ids.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::FutureExt as _;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use crate::error::{Asker, Problem, render};
use crate::guard::headers::secure;
use crate::guard::limits::Bucket;
use crate::guard::origin::{client_ip, peer_ip, public_base};
use crate::guard::site::{refuse_foreign_host, refuse_foreign_page};
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

    if let Some(web) = &web {
        web.proxies.saw_request(peer_ip(request.peer_addr()), request.headers(), &web.config.trusted_proxies);
    }
    let refused = match &web {
        _ if head_bytes(&request) > HEAD_BYTES_MAX => Some(head_too_large()),
        Some(web) => over_limit(web, &request, &path)
            .or_else(|| refuse_foreign_host(request.request(), &path, &web.config))
            .or_else(|| refuse_foreign_page(request.request(), &path, &web.config)),
        None => None,
    };
    let base = web.as_ref().map(|web| public_base(request.request(), &web.config));
    let (http_request, response) = match refused {
        Some(problem) => (Some(request.into_parts().0), HttpResponse::from_error(problem)),
        None => answer(request, next, &asker.request_id).await?,
    };

    let mut response = render(response, &asker);
    if let (Some(web), Some(base)) = (&web, &base) {
        secure(response.headers_mut(), &path, base, web.config.production);
    }
    if let Ok(id) = HeaderValue::from_str(&asker.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    count(&route, method, response.status(), started.elapsed());
    log(&route, method, response.status(), started.elapsed(), &asker.request_id);
    match http_request {
        Some(http_request) => Ok(ServiceResponse::new(http_request, response)),
        None => Err(InternalError::from_response("a handler panicked", response).into()),
    }
}

/// Calls the handler. A panic ends its request alone, with an error page instead of a closed connection; the request
/// is lost then.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    request_id: &str,
) -> Result<(Option<HttpRequest>, HttpResponse), Error> {
    let Ok(answered) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        error!(request.id = request_id, "a handler panicked; the panic is on standard error");
        return Ok((None, HttpResponse::from_error(Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))));
    };
    let (http_request, response) = answered?.into_parts();
    Ok((Some(http_request), response.map_into_boxed_body()))
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

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, web};

    use super::*;

    async fn panics() -> HttpResponse {
        panic!("a bug")
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_form_of_its_path() {
        let app = App::new().wrap(from_fn(observe)).default_service(web::to(panics));
        let app = init_service(app).await;
        for (path, content_type, part) in [
            ("/overlay/x", "text/html; charset=utf-8", "overlay-sign"),
            ("/dashboard", "text/html; charset=utf-8", "Something broke"),
            ("/api/x", "application/problem+json", "Something broke"),
        ] {
            let error = try_call_service(&app, TestRequest::get().uri(path).to_request()).await.unwrap_err();
            let response = error.error_response();
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers().get("content-type").unwrap(), content_type);
            let id = response.headers().get(&REQUEST_ID).unwrap().to_str().unwrap().to_owned();
            let body = to_bytes(response.into_body()).await.unwrap();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(part) && body.contains(&id), "{body}");
        }
    }
}
