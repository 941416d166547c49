//! Get Users, and the profile pictures that it links to.

use actix_web::{HttpRequest, HttpResponse, web};
use maud::html;
use serde::Serialize;
use url::form_urlencoded;

use crate::config::SimUser;
use crate::helix::{Caller, Data, HelixError};
use crate::shared::Shared;

/// Maximum number of ids and logins in one request.
const NAMES_MAX: usize = 100;

#[derive(Serialize)]
struct UserAnswer {
    id: String,
    login: String,
    display_name: String,
    r#type: &'static str,
    broadcaster_type: &'static str,
    description: &'static str,
    profile_image_url: String,
    offline_image_url: &'static str,
    view_count: u64,
    created_at: &'static str,
}

/// `GET /users`: returns the requested users, or the caller. Unknown users are omitted.
pub(crate) async fn get(
    request: HttpRequest,
    caller: Caller,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    let query = form_urlencoded::parse(request.query_string().as_bytes());
    let mut names: Vec<(String, String)> =
        query.into_owned().filter(|(name, _)| name == "id" || name == "login").collect();
    if names.is_empty() {
        let own = caller.user().ok_or_else(|| HelixError::bad_request("Must provide an ID or login"))?;
        names.push(("id".to_owned(), own.to_owned()));
    }
    if names.len() > NAMES_MAX {
        return Err(HelixError::bad_request("The number of IDs and logins must not exceed 100"));
    }
    let is_asked = |user: &SimUser| {
        names.iter().any(|(name, value)| *value == if name == "id" { &*user.id } else { &*user.login })
    };
    let found: Vec<SimUser> =
        shared.read(|world| world.accounts.users().iter().filter(|user| is_asked(user)).cloned().collect());
    let data = found.into_iter().map(|user| answer(user, &shared)).collect();
    Ok(HttpResponse::Ok().json(Data { data }))
}

fn answer(user: SimUser, shared: &Shared) -> UserAnswer {
    UserAnswer {
        profile_image_url: format!("http://{}/pictures/{}.svg", shared.address, user.id),
        id: user.id,
        login: user.login,
        display_name: user.display_name,
        r#type: "",
        broadcaster_type: "affiliate",
        description: "",
        offline_image_url: "",
        view_count: 0,
        created_at: "2016-12-14T20:32:28Z",
    }
}

/// `GET /pictures/{id}.svg`
pub(crate) async fn picture(id: web::Path<String>, shared: web::Data<Shared>) -> HttpResponse {
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
