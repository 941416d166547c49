//! Our cookies: their names and attributes, and how they are read from a request.
//!
//! The header is read pair by pair, since another program on the same host may have set a cookie with bytes that no
//! parser takes. Several cookies may have our name, because whoever can set one for the host can set another: each is
//! tried.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::COOKIE;

use crate::config::HttpConfig;

/// A login session.
pub(crate) const SESSION: &str = "chatpulse_session";
/// Begins the names of the cookies of started logins.
pub(crate) const OAUTH: &str = "chatpulse_oauth_";
/// Carries "saved" over the redirect to the next page, which shows it once.
pub(crate) const SAVED: &str = "chatpulse_saved";

/// Browsers take a cookie of this name only by TLS, for exactly this host and from the whole host.
const HOST_PREFIX: &str = "__Host-";

/// Builds one of our cookies. In production its name gets the prefix `__Host-`.
pub(crate) fn build(name: &str, value: String, age: CookieAge, config: &HttpConfig) -> Cookie<'static> {
    let prefix = if config.production { HOST_PREFIX } else { "" };
    Cookie::build(format!("{prefix}{name}"), value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(config.secure_cookies())
        .max_age(age)
        .finish()
}

/// Removes a cookie from the browser.
pub(crate) fn end(name: &str, config: &HttpConfig) -> Cookie<'static> {
    build(name, String::new(), CookieAge::ZERO, config)
}

/// Returns the values of all cookies with this name.
pub(crate) fn values<'a>(request: &'a HttpRequest, name: &str, config: &HttpConfig) -> Vec<&'a str> {
    let ours = pairs(request, config).filter(|(found, _)| *found == name);
    ours.map(|(_, value)| value).collect()
}

/// Returns names and values of all cookies whose names begin like this. The names are without `__Host-`.
pub(crate) fn beginning_with<'a>(
    request: &'a HttpRequest,
    prefix: &str,
    config: &HttpConfig,
) -> Vec<(&'a str, &'a str)> {
    pairs(request, config).filter(|(name, _)| name.starts_with(prefix)).collect()
}

/// The readable pairs. In production only those with the prefix count, which no other host of the domain can set.
fn pairs<'a>(request: &'a HttpRequest, config: &HttpConfig) -> impl Iterator<Item = (&'a str, &'a str)> {
    let prefix = if config.production { HOST_PREFIX } else { "" };
    let headers = request.headers().get_all(COOKIE);
    let parts = headers.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let readable = parts.filter(|part| part.is_ascii()).filter_map(|part| std::str::from_utf8(part).ok());
    readable
        .filter_map(|part| part.trim().split_once('='))
        .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
}
