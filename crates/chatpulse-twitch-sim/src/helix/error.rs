//! Errors in the format of the API: `{"error":…,"status":…,"message":…}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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
