//! Twitch's identity service (`https://id.twitch.tv/oauth2`): consent, tokens, validation.
//!
//! [`authorize`] handles the browser; [`token`] handles the application's server. Both take [`Params`] and answer with
//! [`OauthError`].

pub(crate) mod authorize;
pub(crate) mod page;
pub(crate) mod token;

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;
use url::form_urlencoded;

use crate::helix::error_body;
use crate::tokens::Scopes;

/// All routes below `/oauth2`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/authorize", web::get().to(authorize::show))
        .route("/authorize", web::post().to(authorize::decide))
        .route("/token", web::post().to(token::issue))
        .route("/validate", web::get().to(token::validate))
        .route("/revoke", web::post().to(token::revoke));
}

/// Names and values; the body overrides the query.
pub(crate) struct Params(HashMap<String, String>);

impl Params {
    pub(crate) fn new(query: &str, body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body));
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Returns the value, or `None` if it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn scopes(&self) -> Scopes {
        self.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }
}

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
