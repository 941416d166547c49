//! The caller of the API, validated before any handler runs.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use crate::front_door::bearer;
use crate::helix::error::HelixError;
use crate::shared::Shared;
use crate::tokens::{Owner, Scopes};

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
