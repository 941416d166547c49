//! Error responses: a page for people, `application/problem+json` (RFC 9457) for programs. Neither contains an
//! internal message; both carry the request id, which is also in the log. Below `/overlay/` the page is
//! [`on_stream`].

mod asker;
mod on_stream;
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

use crate::guard::headers;
pub(crate) use asker::{Asker, Form, accepts_json, is_on_stream};
use view::ErrorPage;

/// The media type of problem details. Source: RFC 9457.
const PROBLEM_JSON: &str = "application/problem+json";
const HTML: &str = "text/html; charset=utf-8";
/// Says `gone` on the 404 of a replaced overlay URL. A proxy answers 404 too while we restart; only ours has this header.
const OVERLAY_HEADER: &str = "chatpulse-overlay";

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
    /// The overlay's URL was replaced.
    pub(crate) overlay_is_gone: bool,
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
            overlay_is_gone: false,
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

    /// The overlay's UUID is well-formed and nobody has it any more.
    pub(crate) fn overlay_gone() -> Self {
        let problem = Self::new(
            StatusCode::NOT_FOUND,
            "Overlay address changed",
            "No overlay has this address any more.",
            "Copy the new overlay URL from the dashboard.",
        );
        Self { overlay_is_gone: true, ..problem.with_action(&("To the dashboard", "/dashboard")) }
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
    if problem.overlay_is_gone {
        response.insert_header((OVERLAY_HEADER, "gone"));
    }
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    let (content_type, body) = problem.body(asker);
    response.insert_header((header::CONTENT_TYPE, content_type)).body(body)
}

impl Problem {
    /// Renders a complete HTTP/1.1 response that closes the connection, for a request that was not read; also returns
    /// its request id.
    pub(crate) fn as_last_words(&self, form: Form) -> (Vec<u8>, String) {
        let asker = Asker { form, request_id: Uuid::new_v4().to_string() };
        let (content_type, body) = self.body(&asker);
        let policy = headers::content_policy(form == Form::Overlay, None);
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nx-request-id: {}\r\n\
             content-security-policy: {policy}\r\nreferrer-policy: no-referrer\r\n\
             x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
            self.status,
            body.len(),
            asker.request_id,
        );
        ([head, body].concat().into_bytes(), asker.request_id)
    }

    /// Renders the body. Returns it with its content type.
    fn body(&self, asker: &Asker) -> (&'static str, String) {
        match asker.form {
            Form::Json => (PROBLEM_JSON, self.to_json(&asker.request_id)),
            Form::Page => (HTML, self.to_page(&asker.request_id)),
            Form::Overlay => (HTML, on_stream::page(self, &asker.request_id).into_string()),
        }
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

    fn to_page(&self, request_id: &str) -> String {
        let page = view::page(&ErrorPage {
            status: self.status.as_u16(),
            title: self.title.to_owned(),
            what_happened: self.what_happened.clone(),
            what_to_do: self.what_to_do.to_owned(),
            action: self.action.map(|(label, href)| ((*label).to_owned(), (*href).to_owned())),
            request_id: request_id.to_owned(),
        });
        page.into_string()
    }
}
