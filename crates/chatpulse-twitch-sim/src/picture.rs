//! Profile pictures: the first letter of the name on Twitch's colour.

use actix_web::{HttpResponse, web};
use maud::html;

use crate::shared::Shared;

/// `GET /pictures/{id}.svg`
pub(crate) async fn show(id: web::Path<String>, shared: web::Data<Shared>) -> HttpResponse {
    let user = shared.read(|world| world.accounts.profile(&id));
    let letter = user.display_name.chars().next().unwrap_or('?');
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" {
            rect width="300" height="300" fill="#9147ff" {}
            text x="150" y="205" fill="#fff" font-family="sans-serif" font-size="160" text-anchor="middle" {
                (letter)
            }
        }
    };
    HttpResponse::Ok().content_type("image/svg+xml").body(picture)
}
