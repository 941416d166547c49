//! Twitch's identity service (`https://id.twitch.tv/oauth2`): consent, tokens, validation.
//!
//! [`authorize`] handles the browser; [`token`] handles the application's server.

pub(crate) mod authorize;
pub(crate) mod error;
pub(crate) mod page;
pub(crate) mod params;
pub(crate) mod token;

use actix_web::web::{self, ServiceConfig};

/// All routes below `/oauth2`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/authorize", web::get().to(authorize::show))
        .route("/authorize", web::post().to(authorize::decide))
        .route("/token", web::post().to(token::issue))
        .route("/validate", web::get().to(token::validate))
        .route("/revoke", web::post().to(token::revoke));
}
