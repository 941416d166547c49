//! Twitch's API (`https://api.twitch.tv/helix`), as far as ChatPulse uses it.
//!
//! Every handler takes a [`caller::Caller`], which has already validated the token.

pub(crate) mod caller;
pub(crate) mod conduits;
pub(crate) mod error;
pub(crate) mod paging;
pub(crate) mod shards;
pub(crate) mod subscriptions;
pub(crate) mod users;

use actix_web::web::{self, ServiceConfig};

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
