//! Login sessions: a random id in a cookie, its keyed hash on the server.

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieAge};
use actix_web::{HttpRequest, http::header};
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::streamer::Streamer;

use crate::config::HttpConfig;
use crate::error::Problem;
use crate::guard::random;
use crate::state::Web;

const COOKIE: &str = "chatpulse_session";
const PURPOSE: &str = "login";

/// A streamer with a valid login session.
pub(crate) struct LoggedIn {
    pub(crate) streamer: Streamer,
    pub(crate) hash: LoginHash,
}

/// Finds the session of the request's cookie. An unreachable database is a 503, never "logged out".
pub(crate) async fn find(web: &Web, request: &HttpRequest) -> Result<Option<LoggedIn>, Problem> {
    for hash in hashes_of_cookies(web, request) {
        if let Some(id) = web.ports.login_sessions.find(hash, web.ports.clock.now()).await? {
            let streamer = web.ports.streamers.find(id).await?;
            return Ok(streamer.map(|streamer| LoggedIn { streamer, hash }));
        }
    }
    Ok(None)
}

/// For `/api`: answers 401 without a session.
pub(crate) async fn require(web: &Web, request: &HttpRequest) -> Result<LoggedIn, Problem> {
    find(web, request).await?.ok_or_else(Problem::unauthorized)
}

/// Starts a session with a new id and ignores the cookie of the request, which prevents session fixation.
pub(crate) async fn begin(
    web: &Web,
    request: &HttpRequest,
    streamer: StreamerId,
) -> Result<Cookie<'static>, Problem> {
    for earlier in hashes_of_cookies(web, request) {
        web.ports.login_sessions.end(earlier).await?;
    }
    let id = random::token()?;
    let session = LoginSession {
        hash: hash_of(web, &id),
        streamer,
        expires_at: web.ports.clock.now().plus(web.config.session_max_age),
    };
    web.ports.login_sessions.begin(&session).await?;
    let age = i64::try_from(web.config.session_max_age.as_secs()).unwrap_or(i64::MAX);
    Ok(cookie(COOKIE, id, CookieAge::seconds(age), &web.config))
}

/// Removes the cookie from the browser; the server has already deleted the session.
pub(crate) fn farewell(config: &HttpConfig) -> Cookie<'static> {
    cookie(COOKIE, String::new(), CookieAge::ZERO, config)
}

pub(crate) fn cookie(
    name: &'static str,
    value: String,
    age: CookieAge,
    config: &HttpConfig,
) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(config.production)
        .max_age(age)
        .finish()
}

/// Several cookies may have our name: an attacker who sets one must not hide ours. More than this are ignored.
const COOKIES_MAX: usize = 4;

/// Parses the header directly: one malformed cookie of another application must not hide ours.
fn hashes_of_cookies(web: &Web, request: &HttpRequest) -> Vec<LoginHash> {
    let texts = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ids = pairs.filter(|(name, _)| *name == COOKIE).map(|(_, id)| id);
    let sane = |id: &&str| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ids.filter(sane).take(COOKIES_MAX).map(|id| hash_of(web, id)).collect()
}

fn hash_of(web: &Web, id: &str) -> LoginHash {
    LoginHash(web.config.session_key.hash(PURPOSE, id.as_bytes()))
}
