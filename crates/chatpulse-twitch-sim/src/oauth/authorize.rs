//! `/oauth2/authorize`: receives the browser, and redirects it with a code or an error.
//!
//! As at Twitch, a user who has already agreed is redirected at once; every other user sees [`page`]. A test selects
//! the user with `login_as=<user id>`, and needs no page if that user's grant exists.

use actix_web::http::header::LOCATION;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use maud::Markup;
use serde_json::json;
use url::Url;

use crate::config::{SimConfig, SimUser};
use crate::oauth::OauthError;
use crate::oauth::Params;
use crate::oauth::page::{self, ConsentPage};
use crate::shared::Shared;
use crate::tokens::Scopes;

/// A validated authorization request.
pub(crate) struct Asked {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: Url,
    pub(crate) scopes: Scopes,
    pub(crate) state: Option<String>,
}

/// `GET`: redirects a user who has already agreed, otherwise shows the consent page.
pub(crate) async fn show(
    request: HttpRequest,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, OauthError> {
    let params = Params::new(request.query_string(), b"");
    let asked = match check(&params, &shared.config)? {
        Checked::Asked(asked) => asked,
        Checked::Mismatch(home) => return Ok(redirect(&request, &home)),
    };
    let (user_id, agreed_before, users) = shared.read(|world| {
        let user_id = params.get("login_as").unwrap_or_else(|| world.accounts.signed_in()).to_owned();
        let agreed_before = world.accounts.has_consented(&user_id, &asked.scopes);
        (user_id, agreed_before, world.accounts.users().to_vec())
    });
    if agreed_before && params.get("force_verify") != Some("true") {
        return Ok(accept(&request, &shared, asked, &user_id));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(render(&params, &asked, &user_id, &users)))
}

/// `POST`: handles a button of the page.
pub(crate) async fn decide(
    request: HttpRequest,
    shared: web::Data<Shared>,
    body: web::Bytes,
) -> Result<HttpResponse, OauthError> {
    let params = Params::new("", &body);
    let asked = match check(&params, &shared.config)? {
        Checked::Asked(asked) => asked,
        Checked::Mismatch(home) => return Ok(redirect(&request, &home)),
    };
    if params.get("decision") != Some("authorize") {
        return Ok(refuse(&request, asked));
    }
    let user_id = params.get("user_id").unwrap_or_default();
    let Some(user) = shared.read(|world| world.accounts.user(user_id).cloned()) else {
        return Err(OauthError::new(400, "no such user"));
    };
    shared.change(|world| world.accounts.grant(&user.id, &asked.scopes));
    let shared = shared.into_inner();
    let granted = json!({
        "client_id": asked.client_id,
        "user_id": user.id,
        "user_login": user.login,
        "user_name": user.display_name,
    });
    shared.publish("user.authorization.grant", &granted, 0).await;
    Ok(accept(&request, &shared, asked, &user.id))
}

enum Checked {
    Asked(Asked),
    /// Unregistered redirect URL: the browser is sent to the first registered one with the error.
    Mismatch(Url),
}

fn check(params: &Params, config: &SimConfig) -> Result<Checked, OauthError> {
    let client_id = params.get("client_id").filter(|id| config.secret_of(id).is_some());
    let client_id = client_id.ok_or(OauthError::INVALID_CLIENT)?.to_owned();
    let redirect_uri = params.get("redirect_uri").ok_or(OauthError::REDIRECT_MISMATCH)?;
    let registered = &config.redirect_uris;
    if !registered.is_empty() && registered.iter().all(|uri| uri != redirect_uri) {
        let mut home = Url::parse(&registered[0]).map_err(|_| OauthError::REDIRECT_MISMATCH)?;
        home.query_pairs_mut()
            .append_pair("error", "redirect_mismatch")
            .append_pair("error_description", "Parameter redirect_uri does not match registered URI");
        return Ok(Checked::Mismatch(home));
    }
    let redirect_uri = Url::parse(redirect_uri).map_err(|_| OauthError::REDIRECT_MISMATCH)?;
    if params.get("response_type") != Some("code") {
        return Err(OauthError::new(400, "invalid response type"));
    }
    let state = params.get("state").map(str::to_owned);
    Ok(Checked::Asked(Asked { client_id, redirect_uri, scopes: params.scopes(), state }))
}

fn accept(request: &HttpRequest, shared: &Shared, asked: Asked, user_id: &str) -> HttpResponse {
    let scope = asked.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let lifetime = shared.config.limits.code_lifetime;
    let uri = asked.redirect_uri.to_string();
    let grant = (user_id, asked.scopes);
    let code = shared
        .change(|world| world.tokens.issue_code(&mut world.ids, lifetime, &asked.client_id, grant, &uri));
    let mut target = asked.redirect_uri;
    target.query_pairs_mut().append_pair("code", &code).append_pair("scope", &scope);
    if let Some(state) = &asked.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    redirect(request, &target)
}

fn refuse(request: &HttpRequest, asked: Asked) -> HttpResponse {
    let mut target = asked.redirect_uri;
    target
        .query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair("error_description", "The user denied you access");
    if let Some(state) = &asked.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    redirect(request, &target)
}

/// Redirects with 302 as Twitch does, and with 303 after a form, so that the browser does not repeat the POST.
fn redirect(request: &HttpRequest, target: &Url) -> HttpResponse {
    let status = if request.method() == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    HttpResponse::build(status).insert_header((LOCATION, target.as_str())).finish()
}

fn render(params: &Params, asked: &Asked, user_id: &str, users: &[SimUser]) -> Markup {
    let repeated = ["client_id", "redirect_uri", "response_type", "scope", "state"];
    let hidden = repeated.iter().filter_map(|name| Some((*name, params.get(name)?))).collect();
    let application = asked.redirect_uri.host_str().unwrap_or_default();
    page::consent(&ConsentPage { application, scopes: &asked.scopes, users, chosen: user_id, hidden })
}
