//! `/oauth2/token`, `/validate` and `/revoke`, called by the application's server.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use url::Url;

use crate::front_door::bearer;
use crate::oauth::OauthError;
use crate::oauth::Params;
use crate::shared::Shared;
use crate::tokens::{Issued, Owner, RefreshRefused, Scopes};

#[derive(Serialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Absent if no scope was requested.
    #[serde(skip_serializing_if = "Scopes::is_empty")]
    scope: Scopes,
    token_type: &'static str,
}

/// The response of `/validate`. `login` and `user_id` are absent for an app token.
#[derive(Serialize)]
struct Validation {
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// Null if the token has no scopes.
    scopes: Option<Scopes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    expires_in: u64,
}

/// `POST /token` for all three grant types.
pub(crate) async fn issue(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, OauthError> {
    let params = Params::new(request.query_string(), &body);
    let client_id = check_client(&params, &shared)?;
    let answer = match params.get("grant_type") {
        Some("authorization_code") => by_code(&params, client_id, &shared),
        Some("client_credentials") => Ok(for_app(client_id, &shared)),
        Some("refresh_token") => by_refresh_token(&params, client_id, &shared),
        Some(_) => Err(OauthError::new(400, "invalid grant type")),
        None => Err(OauthError::new(400, "missing grant type")),
    };
    Ok(HttpResponse::Ok().json(answer?))
}

fn check_client<'a>(params: &'a Params, shared: &Shared) -> Result<&'a str, OauthError> {
    let client_id = params.get("client_id").ok_or(OauthError::new(400, "missing client id"))?;
    let registered = shared.config.secret_of(client_id).ok_or(OauthError::INVALID_CLIENT)?;
    let secret = params.get("client_secret").ok_or(OauthError::new(400, "missing client secret"))?;
    if secret != registered {
        return Err(OauthError::new(403, "invalid client secret"));
    }
    Ok(client_id)
}

fn by_code(params: &Params, client_id: &str, shared: &Shared) -> Result<TokenAnswer, OauthError> {
    let code = params.get("code").ok_or(OauthError::new(400, "missing code"))?;
    let redirect_uri = params.get("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let limits = &shared.config.limits;
    shared.change(|world| {
        let code = world.tokens.redeem_code(code, client_id);
        let code = code.ok_or(OauthError::new(400, "Invalid authorization code"))?;
        if redirect_uri.is_none_or(|uri| uri.as_str() != code.redirect_uri) {
            return Err(OauthError::REDIRECT_MISMATCH);
        }
        let issued = world.tokens.issue_user(&mut world.ids, limits, client_id, &code.user_id, code.scopes);
        Ok(for_user(issued, shared))
    })
}

fn by_refresh_token(params: &Params, client_id: &str, shared: &Shared) -> Result<TokenAnswer, OauthError> {
    let old = params.get("refresh_token").ok_or(OauthError::new(400, "missing refresh token"))?;
    let limits = &shared.config.limits;
    let issued = shared.change(|world| world.tokens.refresh(&mut world.ids, limits, client_id, old));
    match issued {
        Ok(issued) => Ok(for_user(issued, shared)),
        Err(RefreshRefused::Unknown) => Err(OauthError::named(400, "Invalid refresh token")),
        Err(RefreshRefused::Disconnected) => Err(OauthError::named(401, "Invalid refresh token")),
    }
}

fn for_app(client_id: &str, shared: &Shared) -> TokenAnswer {
    let limits = &shared.config.limits;
    TokenAnswer {
        access_token: shared.change(|world| world.tokens.issue_app(&mut world.ids, limits, client_id)),
        expires_in: limits.app_token_lifetime.as_secs(),
        refresh_token: None,
        scope: Scopes::new(),
        token_type: "bearer",
    }
}

fn for_user(issued: Issued, shared: &Shared) -> TokenAnswer {
    TokenAnswer {
        access_token: issued.access_token,
        expires_in: shared.config.limits.user_token_lifetime.as_secs(),
        refresh_token: Some(issued.refresh_token),
        scope: issued.scopes,
        token_type: "bearer",
    }
}

/// `GET /validate`
pub(crate) async fn validate(
    request: HttpRequest,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, OauthError> {
    let token = bearer(request.headers()).ok_or(OauthError::new(401, "missing authorization token"))?;
    let validation = shared.read(|world| {
        let token = world.tokens.valid(token)?;
        let user = match &token.owner {
            Owner::App => None,
            Owner::User(id) => Some(world.accounts.profile(id)),
        };
        Some(Validation {
            client_id: token.client_id.clone(),
            login: user.as_ref().map(|user| user.login.clone()),
            scopes: Some(token.scopes.clone()).filter(|scopes| !scopes.is_empty()),
            user_id: user.map(|user| user.id),
            expires_in: token.expires_in(),
        })
    });
    let validation = validation.ok_or(OauthError::new(401, "invalid access token"))?;
    Ok(HttpResponse::Ok().json(validation))
}

/// `POST /revoke`. Revoking a user token ends its authorization; the user's last one ends their grants.
pub(crate) async fn revoke(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, OauthError> {
    let params = Params::new(request.query_string(), &body);
    if params.get("client_id").and_then(|id| shared.config.secret_of(id)).is_none() {
        return Err(OauthError::new(404, "client does not exist"));
    }
    let token = params.get("token").unwrap_or_default();
    let (owner, has_others) = shared
        .change(|world| {
            let owner = world.tokens.revoke(token)?.owner;
            let has_others = matches!(&owner, Owner::User(id) if world.tokens.has_any(id));
            Some((owner, has_others))
        })
        .ok_or(OauthError::new(400, "Invalid token"))?;
    if let Owner::User(id) = owner
        && !has_others
    {
        shared.into_inner().disconnect(&id).await;
    }
    Ok(HttpResponse::Ok().finish())
}
