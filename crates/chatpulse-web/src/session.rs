//! Login sessions: a random id in a cookie, its keyed hash on the server.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::cookie::{Cookie, time::Duration as CookieAge};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::streamer::Streamer;

use crate::browser_name;
use crate::error::Problem;
use crate::guard::{cookies, random};
use crate::login::{redirect, set_cookie};
use crate::state::Web;

const PURPOSE: &str = "login";

/// What cannot be undone needs a login that is not older than this.
pub(crate) const RECENT: Duration = Duration::from_mins(10);

/// How many cookies with our name are tried, each with a look into the database. Only an attacker sets more.
const COOKIES_MAX: usize = 32;

/// A streamer with a valid login session.
pub(crate) struct LoggedIn {
    pub(crate) streamer: Streamer,
    pub(crate) session: LoginSession,
}

impl LoggedIn {
    /// Whether the streamer logged in a moment ago.
    pub(crate) fn is_recent(&self, web: &Web) -> bool {
        self.session.started_at.is_some_and(|at| web.ports.clock.now().since(at) < RECENT)
    }
}

/// Finds the session of the request's cookie. An unreachable database is a 503, never "logged out".
pub(crate) async fn find(web: &Web, request: &HttpRequest) -> Result<Option<LoggedIn>, Problem> {
    for hash in hashes_of_cookies(web, request) {
        if let Some(session) = web.ports.login_sessions.find(hash, web.ports.clock.now()).await?
            && let Some(streamer) = web.ports.streamers.find(session.streamer).await?
        {
            return Ok(Some(LoggedIn { streamer, session }));
        }
    }
    Ok(None)
}

/// For `/api`: answers 401 without a session.
pub(crate) async fn require(web: &Web, request: &HttpRequest) -> Result<LoggedIn, Problem> {
    find(web, request).await?.ok_or_else(Problem::unauthorized)
}

/// Starts a session with a new id and ends those of the request's cookies, which prevents session fixation.
pub(crate) async fn begin(
    web: &Web,
    request: &HttpRequest,
    streamer: StreamerId,
) -> Result<Cookie<'static>, Problem> {
    for earlier in hashes_of_cookies(web, request) {
        web.ports.login_sessions.end(earlier).await?;
    }
    let (id, now) = (random::token()?, web.ports.clock.now());
    let session = LoginSession {
        hash: hash_of(web, &id),
        streamer,
        expires_at: now.plus(web.config.session_max_age),
        started_at: Some(now),
        browser: browser_name::of(request.headers()),
    };
    web.ports.login_sessions.begin(&session).await?;
    let age = i64::try_from(web.config.session_max_age.as_secs()).unwrap_or(i64::MAX);
    Ok(cookies::build(cookies::SESSION, id, CookieAge::seconds(age), &web.config))
}

/// The answer to a browser that is logged out: it leaves for the login page, with none of our cookies and nothing that
/// our pages stored. The server has already ended the session.
pub(crate) fn farewell(web: &Web, request: &HttpRequest, to: &str) -> HttpResponse {
    let mut response = redirect(to);
    let everything = HeaderValue::from_static("\"storage\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), everything);
    let started = cookies::beginning_with(request, cookies::OAUTH, &web.config);
    let names: BTreeSet<&str> = started.into_iter().map(|(name, _)| name).collect();
    for name in [cookies::SESSION, cookies::SAVED].into_iter().chain(names) {
        set_cookie(&mut response, &cookies::end(name, &web.config));
    }
    response
}

fn hashes_of_cookies(web: &Web, request: &HttpRequest) -> BTreeSet<LoginHash> {
    let is_id = |id: &&str| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let ids = cookies::values(request, cookies::SESSION, &web.config);
    ids.into_iter().filter(is_id).take(COOKIES_MAX).map(|id| hash_of(web, id)).collect()
}

fn hash_of(web: &Web, id: &str) -> LoginHash {
    LoginHash(web.config.session_key.hash(PURPOSE, id.as_bytes()))
}
