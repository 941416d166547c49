//! The OAuth `state` of one login at Twitch: random, bound to the browser by a cookie, valid for ten minutes.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, time::Duration as CookieAge};
use chatpulse_domain::login::LoginRole;
use chatpulse_domain::time::Timestamp;

use crate::config::HttpConfig;
use crate::error::Problem;
use crate::guard::random;
use crate::session::cookie;
use crate::state::Web;

const COOKIE: &str = "chatpulse_oauth";
const PURPOSE: &str = "oauth-state";
const GOOD_FOR: Duration = Duration::from_mins(10);

/// The state of one started login.
pub(crate) struct OauthState {
    text: String,
    role: LoginRole,
}

impl OauthState {
    pub(crate) fn new(role: LoginRole) -> Result<Self, Problem> {
        Ok(Self { text: random::token()?, role })
    }

    /// The `state` parameter that Twitch returns unchanged.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// `state.role.started.mac`; the MAC protects role and time from changes.
    pub(crate) fn cookie(&self, config: &HttpConfig) -> Cookie<'static> {
        let started = Timestamp::from(std::time::SystemTime::now()).unix_ms;
        let signed = format!("{}.{}.{started}", self.text, role_word(self.role));
        let mac = random::hex(&config.session_key.hash(PURPOSE, signed.as_bytes()));
        cookie(COOKIE, format!("{signed}.{mac}"), age(GOOD_FOR), config)
    }

    pub(crate) fn forget(config: &HttpConfig) -> Cookie<'static> {
        cookie(COOKIE, String::new(), CookieAge::ZERO, config)
    }

    /// Returns the role of the login that this browser started with this state.
    pub(crate) fn verify(web: &Web, request: &HttpRequest, state: &str) -> Option<LoginRole> {
        let cookie = request.cookie(COOKIE)?;
        let (signed, mac) = cookie.value().rsplit_once('.')?;
        let expected = random::hex(&web.config.session_key.hash(PURPOSE, signed.as_bytes()));
        if !random::same(mac, &expected) {
            return None;
        }
        let mut parts = signed.split('.');
        let (text, role, started) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
        let now = Timestamp::from(std::time::SystemTime::now());
        let fresh = now.since(Timestamp::from_unix_ms(started)) < GOOD_FOR;
        (fresh && random::same(text, state)).then(|| role_of(role)).flatten()
    }
}

fn age(span: Duration) -> CookieAge {
    CookieAge::seconds(i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
}

fn role_word(role: LoginRole) -> &'static str {
    match role {
        LoginRole::Streamer => "streamer",
        LoginRole::StreamerAndReader => "both",
        LoginRole::Bot => "bot",
    }
}

fn role_of(word: &str) -> Option<LoginRole> {
    [LoginRole::Streamer, LoginRole::StreamerAndReader, LoginRole::Bot]
        .into_iter()
        .find(|role| role_word(*role) == word)
}
