//! Error responses: a page for people, `application/problem+json` (RFC 9457) for programs. Neither contains an
//! internal message; both carry the request id, which is also in the log.

mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use chatpulse_domain::ports::error::StoreError;
use serde::Serialize;
use tracing::error;
use uuid::Uuid;

use view::ErrorPage;

/// The media type of problem details. Source: RFC 9457.
const PROBLEM_JSON: &str = "application/problem+json";

/// A refused request and its explanation.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// The headline, a few words.
    pub(crate) title: &'static str,
    /// One sentence that says what happened.
    pub(crate) what_happened: String,
    /// What the reader can do about it.
    pub(crate) what_to_do: &'static str,
    /// A button: label and URL.
    pub(crate) action: Option<&'static (&'static str, &'static str)>,
    /// The form fields with errors, and the error of each.
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// The value of `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
    /// The value of `WWW-Authenticate`, if authentication was missing.
    pub(crate) authenticate: Option<&'static str>,
}

pub(crate) type Answer = Result<HttpResponse, Problem>;

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        title: &'static str,
        what_happened: impl Into<String>,
        what_to_do: &'static str,
    ) -> Self {
        let what_happened = what_happened.into();
        Self {
            status,
            title,
            what_happened,
            what_to_do,
            action: None,
            fields: BTreeMap::new(),
            retry_after: None,
            authenticate: None,
        }
    }

    #[must_use]
    pub(crate) fn with_action(mut self, action: &'static (&'static str, &'static str)) -> Self {
        self.action = Some(action);
        self
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        self
    }

    pub(crate) fn bad_request(what_happened: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "That request makes no sense",
            what_happened,
            "Check the address, or go back and try again.",
        )
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "You are not logged in",
            "Your login has ended, or you have not logged in yet.",
            "Log in again; what you typed stays in the page.",
        )
        .with_action(&("Log in", "/auth/login"))
    }

    pub(crate) fn forbidden(what_happened: impl Into<String>, what_to_do: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "That is not allowed", what_happened, what_to_do)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is nothing here",
            "No page has this address.",
            "Check the address, or start from the dashboard.",
        )
        .with_action(&("To the dashboard", "/dashboard"))
    }

    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let seconds = wait.as_secs() + 1;
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "A little slower, please",
            format!("Your address sent more requests than we take in a minute. It may send the next in {seconds} s."),
            "Nothing is lost. Wait that long, then try again.",
        )
        .with_action(&("To the dashboard", "/dashboard"))
        .retry_after(wait)
    }

    pub(crate) fn too_large(limit: &'static str) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "That is too much",
            format!("The request is larger than {limit}."),
            "Send less at once.",
        )
    }

    pub(crate) fn timed_out() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "That took too long",
            "The request did not arrive in time.",
            "Check your connection, then try again.",
        )
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "We cannot reach our storage",
            "ChatPulse is running, but the place where settings are kept does not answer.",
            "Nothing is lost and you are still logged in. Try again in a moment.",
        )
        .retry_after(Duration::from_secs(4))
    }

    /// Builds the problem for a request that actix itself refused.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "That does not work here",
                "This address does not take that kind of request.",
                "Go back and use the page’s own buttons.",
            ),
            StatusCode::REQUEST_TIMEOUT => Self::timed_out(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large("what this address takes"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::new(
                status,
                "That is too much",
                "The request has more headers than are taken.",
                "Clear this site's cookies, then try again.",
            ),
            status if status.is_client_error() => {
                Self { status, ..Self::bad_request("The request could not be read.") }
            }
            status => Self::new(
                status,
                "Something broke on our side",
                "The request could not be answered.",
                "Try again. If it stays, tell whoever runs this server the number below.",
            ),
        }
    }
}

/// Handlers pass on only one failure, an unreachable store; its cause is only logged.
impl From<StoreError> for Problem {
    fn from(failure: StoreError) -> Self {
        let cause = std::error::Error::source(&failure).map(ToString::to_string).unwrap_or_default();
        error!(error = %failure, cause, "a request was answered 503");
        Self::unavailable()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Leaves the body to [`render`], which knows the client.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.status);
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The properties of the client that determine the form of an error.
pub(crate) struct Asker {
    wants_json: bool,
    pub(crate) request_id: String,
}

impl Asker {
    pub(crate) fn of(path: &str, headers: &header::HeaderMap, request_id: String) -> Self {
        const FOR_PROGRAMS: [&str; 6] = ["/api/", "/ws/", "/webhooks/", "/health/", "/metrics", "/version"];
        let accepts_json = accepts_json(headers);
        let for_programs = path == "/api" || FOR_PROGRAMS.iter().any(|prefix| path.starts_with(prefix));
        Self { wants_json: accepts_json || for_programs, request_id }
    }
}

/// Returns true if the client accepts JSON and prefers it to HTML.
pub(crate) fn accepts_json(headers: &header::HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let accept = accept.to_ascii_lowercase();
    let liking = |kinds: &[&str]| {
        let liked = accept.split(',').filter_map(|range| {
            let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
            let quality = quality.map_or(Ok(1.0), |quality| quality.trim().parse::<f32>());
            kinds.contains(&kind.trim()).then(|| quality.unwrap_or(0.0))
        });
        liked.fold(0.0, f32::max)
    };
    liking(&["application/json", PROBLEM_JSON]) > liking(&["text/html"])
}

/// Adds a body to a refusal. Responses that already have a body are unchanged.
pub(crate) fn render(response: HttpResponse, asker: &Asker) -> HttpResponse {
    let known = response.extensions().get::<Problem>().cloned();
    let bare = !response.headers().contains_key(header::CONTENT_TYPE);
    let problem = match known {
        Some(problem) => problem,
        None if response.status().as_u16() >= 400 && bare => Problem::of_status(response.status()),
        None => return response,
    };
    let (head, _) = response.into_parts();
    let mut response = HttpResponse::build(problem.status);
    for (name, value) in head.headers() {
        response.append_header((name.clone(), value.clone()));
    }
    if let Some(seconds) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if let Some(scheme) = problem.authenticate {
        response.insert_header((header::WWW_AUTHENTICATE, scheme));
    }
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if asker.wants_json { problem.as_json(response, asker) } else { problem.as_page(response, asker) }
}

impl Problem {
    /// Renders a complete HTTP/1.1 response that closes the connection, for a request that was not read; also returns
    /// its request id.
    pub(crate) fn as_last_words(&self) -> (Vec<u8>, String) {
        let request_id = Uuid::new_v4().to_string();
        let body = self.to_json(&request_id);
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\nx-request-id: {request_id}\r\n\
             x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
            self.status,
            body.len()
        );
        ([head, body].concat().into_bytes(), request_id)
    }

    fn to_json(&self, request_id: &str) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'static str,
            title: &'a str,
            status: u16,
            detail: String,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            errors: &'a BTreeMap<&'static str, String>,
            request_id: &'a str,
        }
        let body = Body {
            r#type: "about:blank",
            title: self.title,
            status: self.status.as_u16(),
            detail: format!("{} {}", self.what_happened, self.what_to_do),
            errors: &self.fields,
            request_id,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    fn as_json(&self, mut response: actix_web::HttpResponseBuilder, asker: &Asker) -> HttpResponse {
        let body = self.to_json(&asker.request_id);
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON)).body(body)
    }

    fn as_page(&self, mut response: actix_web::HttpResponseBuilder, asker: &Asker) -> HttpResponse {
        let page = view::page(&ErrorPage {
            status: self.status.as_u16(),
            title: self.title.to_owned(),
            what_happened: self.what_happened.clone(),
            what_to_do: self.what_to_do.to_owned(),
            action: self.action.map(|(label, href)| ((*label).to_owned(), (*href).to_owned())),
            request_id: asker.request_id.clone(),
        });
        response.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(page.into_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &'static str) -> bool {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static(text));
        accepts_json(&headers)
    }

    #[test]
    fn json_is_for_those_who_like_it_better_than_a_page() {
        for json in [
            "application/json",
            "Application/JSON",
            "application/problem+json",
            "application/json;q=0.9, text/html;q=0.1",
            "text/plain, application/json; charset=utf-8",
        ] {
            assert!(accepts(json), "{json}");
        }
        for page in
            ["", "*/*", "text/html", "text/html,application/json", "application/json;q=0", "application/xml"]
        {
            assert!(!accepts(page), "{page}");
        }
    }
}
