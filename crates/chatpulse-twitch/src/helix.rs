//! The Helix calls we make: [`conduits`] and [`subscriptions`]. This file sends them.
//!
//! Requests are built by `twitch_api`; answers are read by our own tolerant structs, because the crate's closed
//! enums fail a whole page on one new status. A 401 gets a new app token and one more try.

pub(crate) mod conduits;
pub(crate) mod subscriptions;

use std::borrow::Cow;

use http::{Request, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use twitch_api::helix::{CreateRequestError, CursorRef};

use crate::app_token::{AppToken, SharedToken};
use crate::config::{TwitchConfig, below};
use crate::error::TwitchError;
use crate::http_client;
use crate::twitch_clock::TwitchClock;

/// The crate builds addresses below this; ours may point elsewhere.
const CRATE_BASE: &str = "/helix/";

/// Twitch promises no page size; a list of more pages than this is too long to be ours.
const PAGES_MAX: usize = 200;

type Built<B> = Result<Request<B>, CreateRequestError>;

/// Calls Helix with the app token.
pub struct Helix {
    http: reqwest::Client,
    config: TwitchConfig,
    token: AppToken,
    clock: TwitchClock,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(default)]
    cursor: Option<String>,
}

impl<T> Page<T> {
    /// Where the next page begins.
    fn cursor(&self) -> Option<String> {
        self.pagination.as_ref()?.cursor.clone().filter(|cursor| !cursor.is_empty())
    }
}

impl Helix {
    /// Without `shared` it gets a token of its own. Fails only if TLS cannot be set up.
    pub fn new(
        config: TwitchConfig,
        clock: TwitchClock,
        shared: Option<SharedToken>,
    ) -> Result<Self, reqwest::Error> {
        let http = http_client::build(&config)?;
        let token = AppToken::new(http.clone(), config.clone(), clock.clone(), shared);
        Ok(Self { http, config, token, clock })
    }

    /// Whether client id and secret are good.
    pub async fn check_credentials(&self) -> Result<(), TwitchError> {
        self.token.get().await.map(drop)
    }

    /// Every page of a list. `build` gets the token, the client id and where the page begins.
    async fn all_pages<T: DeserializeOwned, B: Into<reqwest::Body>>(
        &self,
        build: impl Fn(&str, &str, Option<Cow<'static, CursorRef>>) -> Built<B>,
    ) -> Result<Vec<T>, TwitchError> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page: Page<T> = self.call(|token, client| build(token, client, after.clone())).await?;
            let next = page.cursor();
            all.extend(page.data);
            let Some(cursor) = next else { return Ok(all) };
            after = Some(Cow::Owned(cursor.into()));
        }
        // Half a list would look as if the rest had ended.
        Err(TwitchError::malformed("the list has more pages than can be read"))
    }

    async fn call<T: DeserializeOwned, B: Into<reqwest::Body>>(
        &self,
        build: impl Fn(&str, &str) -> Built<B>,
    ) -> Result<T, TwitchError> {
        serde_json::from_slice(&self.send(build).await?).map_err(TwitchError::malformed)
    }

    async fn send<B: Into<reqwest::Body>>(
        &self,
        build: impl Fn(&str, &str) -> Built<B>,
    ) -> Result<Vec<u8>, TwitchError> {
        let token = self.token.get().await?;
        match self.send_once(build(token.expose(), &self.config.client_id)).await {
            Err(TwitchError::Unauthorized(_)) => {
                self.token.refused(&token).await;
                let renewed = self.token.get().await?;
                self.send_once(build(renewed.expose(), &self.config.client_id)).await
            }
            answer => answer,
        }
    }

    async fn send_once<B: Into<reqwest::Body>>(&self, built: Built<B>) -> Result<Vec<u8>, TwitchError> {
        let (parts, body) = built.map_err(TwitchError::malformed)?.into_parts();
        let request =
            self.http.request(parts.method, self.address(&parts.uri)).headers(parts.headers).body(body);
        let answer = request.send().await.map_err(TwitchError::unreachable)?;
        self.clock.saw_answer(answer.headers());
        let status = answer.status().as_u16();
        let header = answer.headers().get("Ratelimit-Remaining").and_then(|value| value.to_str().ok());
        let points_left = header.and_then(|text| text.trim().parse().ok());
        let body = answer.bytes().await.map_err(TwitchError::unreachable)?;
        if (200..300).contains(&status) {
            Ok(body.to_vec())
        } else {
            Err(TwitchError::from_answer(status, &body, points_left))
        }
    }

    /// The crate's address, below our base.
    fn address(&self, uri: &Uri) -> String {
        let path = uri.path().strip_prefix(CRATE_BASE).unwrap_or(uri.path());
        match uri.query().filter(|query| !query.is_empty()) {
            Some(query) => format!("{}?{query}", below(&self.config.urls.api, path)),
            None => below(&self.config.urls.api, path),
        }
    }
}
