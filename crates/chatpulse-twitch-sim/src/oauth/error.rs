//! Errors in the format of the identity service: `{"status":…,"message":…}`, rarely with `error`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use crate::helix::error::error_body;

/// An error response.
#[derive(Debug)]
pub(crate) struct OauthError {
    status: u16,
    message: &'static str,
    /// Whether the response also contains the reason phrase.
    named: bool,
}

impl OauthError {
    pub(crate) const INVALID_CLIENT: Self = Self::new(400, "invalid client");
    pub(crate) const REDIRECT_MISMATCH: Self =
        Self::new(400, "Parameter redirect_uri does not match registered URI");

    pub(crate) const fn new(status: u16, message: &'static str) -> Self {
        Self { status, message, named: false }
    }

    pub(crate) const fn named(status: u16, message: &'static str) -> Self {
        Self { status, message, named: true }
    }
}

impl std::fmt::Display for OauthError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.message)
    }
}

impl ResponseError for OauthError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let body = if self.named {
            error_body(self.status, self.message, None)
        } else {
            json!({ "status": self.status, "message": self.message })
        };
        HttpResponse::build(self.status_code()).json(body)
    }
}
