//! The OAuth `state` of one login at Twitch: random, bound to the browser by a cookie, valid once and for ten minutes.
//!
//! Each started login has a cookie of its own, so that several tabs can log in side by side.

use std::time::Duration;

use actix_web::cookie::{Cookie, time::Duration as CookieAge};
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::login::{LoginHash, LoginRole};
use chatpulse_domain::time::Timestamp;

use super::set_cookie;
use crate::config::HttpConfig;
use crate::error::Problem;
use crate::guard::{cookies, random};
use crate::state::Web;

const PURPOSE: &str = "oauth-state";
const SPENT_PURPOSE: &str = "spent-oauth-state";
const GOOD_FOR: Duration = Duration::from_mins(10);

/// Logins that may be under way in one browser. The oldest gives way.
const UNDER_WAY_MAX: usize = 5;

/// This much of the state names its cookie.
const NAME_DIGITS: usize = 16;

/// A login that was started in a browser.
pub(super) struct OauthState {
    text: String,
    pub(super) role: LoginRole,
    started: Timestamp,
}

impl OauthState {
    pub(super) fn new(web: &Web, role: LoginRole) -> Result<Self, Problem> {
        Ok(Self { text: random::token()?, role, started: web.ports.clock.now() })
    }

    /// The `state` parameter that Twitch returns unchanged.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Sets the cookie, and removes those of logins that are too old or too many.
    pub(super) fn remember(&self, web: &Web, request: &HttpRequest, response: &mut HttpResponse) {
        let (mut started, mut over) = (Vec::new(), Vec::new());
        for (name, value) in cookies::beginning_with(request, cookies::OAUTH, &web.config) {
            match Self::read(web, value) {
                Some(state) => started.push((state.started, name)),
                None => over.push(name),
            }
        }
        started.sort_unstable();
        let too_many = (started.len() + 1).saturating_sub(UNDER_WAY_MAX);
        over.extend(started.into_iter().take(too_many).map(|(_, name)| name));
        for name in over {
            set_cookie(response, &cookies::end(name, &web.config));
        }
        set_cookie(response, &self.cookie(&web.config));
    }

    /// `state.role.started.mac`; the MAC protects role and time from changes.
    fn cookie(&self, config: &HttpConfig) -> Cookie<'static> {
        let signed = format!("{}.{}.{}", self.text, role_word(self.role), self.started.unix_ms);
        let mac = random::hex(&config.session_key.hash(PURPOSE, signed.as_bytes()));
        let age = CookieAge::seconds(i64::try_from(GOOD_FOR.as_secs()).unwrap_or(i64::MAX));
        cookies::build(&self.cookie_name(), format!("{signed}.{mac}"), age, config)
    }

    /// Removes the cookie from the browser.
    pub(super) fn forget(&self, config: &HttpConfig) -> Cookie<'static> {
        cookies::end(&self.cookie_name(), config)
    }

    fn cookie_name(&self) -> String {
        format!("{}{}", cookies::OAUTH, &self.text[..NAME_DIGITS.min(self.text.len())])
    }

    /// Finds the login that this browser started with this state.
    pub(super) fn find(web: &Web, request: &HttpRequest, state: &str) -> Option<Self> {
        let all = cookies::beginning_with(request, cookies::OAUTH, &web.config).into_iter();
        all.filter_map(|(_, value)| Self::read(web, value)).find(|started| random::same(&started.text, state))
    }

    fn read(web: &Web, cookie: &str) -> Option<Self> {
        let (signed, mac) = cookie.rsplit_once('.')?;
        let expected = random::hex(&web.config.session_key.hash(PURPOSE, signed.as_bytes()));
        if !random::same(mac, &expected) {
            return None;
        }
        let mut parts = signed.split('.');
        let (text, role) = (parts.next()?.to_owned(), role_of(parts.next()?)?);
        let started = Timestamp::from_unix_ms(parts.next()?.parse().ok()?);
        let is_fresh = web.ports.clock.now().since(started) < GOOD_FOR;
        is_fresh.then_some(Self { text, role, started })
    }

    /// Spends the state, which is good once for all copies of the cookie. Returns false if it was spent before.
    pub(super) async fn spend(&self, web: &Web) -> Result<bool, Problem> {
        // As long as a login lasts, so that who goes back to this page meanwhile finds the dashboard.
        let until = web.ports.clock.now().plus(web.config.session_max_age.max(GOOD_FOR));
        Ok(web.ports.login_sessions.spend_state(spent_hash(web, &self.text), until).await?)
    }
}

/// Whether a login came back from Twitch with this state before.
pub(super) async fn is_spent(web: &Web, state: &str) -> Result<bool, Problem> {
    Ok(web.ports.login_sessions.is_spent(spent_hash(web, state), web.ports.clock.now()).await?)
}

fn spent_hash(web: &Web, state: &str) -> LoginHash {
    LoginHash(web.config.session_key.hash(SPENT_PURPOSE, state.as_bytes()))
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
