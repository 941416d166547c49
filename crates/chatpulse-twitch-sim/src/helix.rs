//! Twitch's API (`https://api.twitch.tv/helix`), as far as ChatPulse uses it.
//!
//! Every handler takes a [`Caller`], which has already validated the token, and answers with [`Data`], one [`page`] of a
//! list, or a [`HelixError`].

pub(crate) mod conduits;
pub(crate) mod shards;
pub(crate) mod subscriptions;
pub(crate) mod users;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::front_door::bearer;
use crate::shared::Shared;
use crate::tokens::{Owner, Scopes};

/// All routes below `/helix`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/users", web::get().to(users::get))
        .service(
            web::resource("/eventsub/conduits")
                .route(web::get().to(conduits::list))
                .route(web::post().to(conduits::create))
                .route(web::patch().to(conduits::update))
                .route(web::delete().to(conduits::delete)),
        )
        .service(
            web::resource("/eventsub/conduits/shards")
                .route(web::get().to(shards::list))
                .route(web::patch().to(shards::update)),
        )
        .service(
            web::resource("/eventsub/subscriptions")
                .route(web::get().to(subscriptions::list))
                .route(web::post().to(subscriptions::create::create))
                .route(web::delete().to(subscriptions::delete)),
        );
}

/// A valid token and the client id of its application.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    owner: Owner,
    scopes: Scopes,
}

impl Caller {
    /// Returns the user of a user token, and `None` for an app token.
    pub(crate) fn user(&self) -> Option<&str> {
        match &self.owner {
            Owner::App => None,
            Owner::User(id) => Some(id),
        }
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Requires an app token, because conduits belong to the application.
    pub(crate) fn must_be_app(&self) -> Result<(), HelixError> {
        match self.owner {
            Owner::App => Ok(()),
            Owner::User(_) => Err(HelixError::new(401, "Invalid OAuth token")),
        }
    }
}

impl FromRequest for Caller {
    type Error = HelixError;
    type Future = Ready<Result<Self, HelixError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(identify(request))
    }
}

fn identify(request: &HttpRequest) -> Result<Caller, HelixError> {
    let unauthorized = |message| HelixError::new(401, message);
    let token = bearer(request.headers()).ok_or_else(|| unauthorized("OAuth token is missing"))?;
    let shared = request.app_data::<web::Data<Shared>>();
    let shared = shared.ok_or_else(|| HelixError::new(500, "the simulator is not running"))?;
    let token = shared.read(|world| world.tokens.valid(token).cloned());
    let token = token.ok_or_else(|| unauthorized("Invalid OAuth token"))?;
    let client_id = request.headers().get("client-id").and_then(|value| value.to_str().ok());
    let client_id = client_id.ok_or_else(|| unauthorized("Client-Id header is missing"))?;
    if client_id != token.client_id {
        return Err(unauthorized("Client ID and OAuth token do not match"));
    }
    Ok(Caller { client_id: token.client_id, owner: token.owner, scopes: token.scopes })
}

/// `"pagination":{"cursor":…}`; empty on the last page.
#[derive(Serialize)]
pub(crate) struct Pagination {
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Returns at most `size` entries from `after` on, and the cursor of the next page.
pub(crate) fn page<T>(
    all: Vec<T>,
    after: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Pagination), HelixError> {
    let start = after.map_or(Ok(0), str::parse::<usize>);
    let start = start.map_err(|_| HelixError::bad_request("The cursor specified in after is not valid"))?;
    let end = start.saturating_add(size);
    let cursor = (end < all.len()).then(|| end.to_string());
    Ok((all.into_iter().skip(start).take(size).collect(), Pagination { cursor }))
}

/// An error response.
#[derive(Debug)]
pub(crate) struct HelixError {
    status: u16,
    message: String,
    /// Id of the conflicting subscription, with status 409.
    id: Option<String>,
}

impl HelixError {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), id: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::bad_request(format!("Missing required parameter \"{parameter}\""))
    }

    pub(crate) fn conflict(id: &str) -> Self {
        Self { status: 409, message: "subscription already exists".to_owned(), id: Some(id.to_owned()) }
    }
}

impl std::fmt::Display for HelixError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl ResponseError for HelixError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(error_body(
            self.status,
            &self.message,
            self.id.as_deref(),
        ))
    }
}

/// Returns the usual error body.
pub(crate) fn error_body(status: u16, message: &str, id: Option<&str>) -> Value {
    let phrase = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut body = json!({ "error": phrase.unwrap_or_default(), "status": status, "message": message });
    if let Some(id) = id {
        body["id"] = json!(id);
    }
    body
}

/// Parses a JSON body, whatever its content type.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, HelixError> {
    serde_json::from_slice(bytes).map_err(|_| HelixError::bad_request("The request body is not valid JSON"))
}

/// `{"data":[…]}`
#[derive(Serialize)]
pub(crate) struct Data<T> {
    pub(crate) data: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let (first, next) = page(vec![1, 2, 3], None, 2).unwrap();
        assert_eq!(first, [1, 2]);
        let (second, end) = page(vec![1, 2, 3], next.cursor.as_deref(), 2).unwrap();
        assert_eq!(second, [3]);
        assert_eq!(end.cursor, None);
        assert!(page(vec![1], Some("x"), 2).is_err());
    }
}
