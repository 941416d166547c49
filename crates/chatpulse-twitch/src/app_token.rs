//! The application's own token: one for all instances, kept until it nears its end or Twitch refuses it.
//!
//! Each instance holds it in memory, and the database, sealed, for the others and for the next start. Without the
//! database an instance gets one of its own.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::login::{SealedTokens, UserTokens};
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::cipher::TokenCipher as _;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::secret::Secret;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::warn;

use crate::config::{TwitchConfig, below};
use crate::error::{TwitchError, message_of};
use crate::tokens::RingCipher;

/// Renewed this long before it ends. Twitch gives about 58 days.
const RENEW_BEFORE: Duration = Duration::from_hours(1);

/// Where all instances find the token.
pub struct SharedToken {
    /// Keeps it.
    pub kept: Arc<dyn AppTokenRepository>,
    /// Seals it.
    pub cipher: Arc<RingCipher>,
}

/// Gets the token, whoever got it first.
pub(crate) struct AppToken {
    http: reqwest::Client,
    config: TwitchConfig,
    clock: Arc<dyn Clock>,
    /// `None`: this one asks for its own.
    shared: Option<SharedToken>,
    /// What it is sealed for, so that a token of another application or of an earlier secret does not open.
    owner: Vec<u8>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<UserTokens>,
    /// Twitch takes this one no more, wherever it is kept.
    refused: Option<Secret>,
}

impl Held {
    fn is_refused(&self, token: &UserTokens) -> bool {
        self.refused.as_ref() == Some(&token.access)
    }
}

impl AppToken {
    pub(crate) fn new(
        http: reqwest::Client,
        config: TwitchConfig,
        clock: Arc<dyn Clock>,
        shared: Option<SharedToken>,
    ) -> Self {
        let secret = digest(&SHA256, config.client_secret.expose().as_bytes());
        let owner = [b"application ", config.client_id.as_bytes(), b" ", secret.as_ref()].concat();
        Self { http, config, clock, shared, owner, held: Mutex::default() }
    }

    /// The token; callers that come together wait for one request.
    pub(crate) async fn get(&self) -> Result<Secret, TwitchError> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| self.is_good(token)) {
            return Ok(token.access.clone());
        }
        let token = match &self.shared {
            Some(shared) => self.find_or_fetch(shared, &held).await?,
            None => self.fetch().await?,
        };
        let access = token.access.clone();
        *held = Held { token: Some(token), refused: None };
        Ok(access)
    }

    /// Twitch refused this one: the next `get` finds another.
    pub(crate) async fn refused(&self, token: &Secret) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|known| known.access == *token) {
            *held = Held { token: None, refused: Some(token.clone()) };
        }
    }

    fn is_good(&self, token: &UserTokens) -> bool {
        self.clock.now().plus(RENEW_BEFORE) < token.expires_at
    }

    async fn find_or_fetch(&self, shared: &SharedToken, held: &Held) -> Result<UserTokens, TwitchError> {
        match self.find(shared, held).await {
            Ok((_, Some(token))) => Ok(token),
            Ok((sealed, None)) => {
                let token = self.fetch().await?;
                match self.keep(shared, sealed, &token, held).await {
                    Ok(token) => Ok(token),
                    Err(error) => {
                        warn!(%error, "the application's token could not be kept for other instances");
                        Ok(token)
                    }
                }
            }
            Err(error) => {
                warn!(%error, "the application's token could not be looked up; this instance asks for its own");
                self.fetch().await
            }
        }
    }

    /// What is kept, and the token in it if it is of any use.
    async fn find(
        &self,
        SharedToken { kept, cipher }: &SharedToken,
        held: &Held,
    ) -> Result<(Option<SealedTokens>, Option<UserTokens>), StoreError> {
        let Some(sealed) = kept.find().await? else {
            return Ok((None, None));
        };
        let opened = cipher.open_of(&self.owner, &sealed).ok();
        let token = opened.filter(|token| self.is_good(token) && !held.is_refused(token));
        if let Some(token) = &token
            && !cipher.is_current(&sealed)
        {
            // The key was replaced. Whoever else did this meanwhile did the same.
            kept.replace(Some(&sealed), &cipher.seal_for(&self.owner, token)).await?;
        }
        Ok((Some(sealed), token))
    }

    /// Of several that were fetched at once the one that was kept first is everybody's.
    async fn keep(
        &self,
        shared: &SharedToken,
        old: Option<SealedTokens>,
        fetched: &UserTokens,
        held: &Held,
    ) -> Result<UserTokens, StoreError> {
        let sealed = shared.cipher.seal_for(&self.owner, fetched);
        if !shared.kept.replace(old.as_ref(), &sealed).await?
            && let (_, Some(first)) = self.find(shared, held).await?
        {
            return Ok(first);
        }
        Ok(fetched.clone())
    }

    /// The secret travels in the body: addresses end up in logs.
    async fn fetch(&self) -> Result<UserTokens, TwitchError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
            #[serde(default)]
            expires_in: Option<u64>,
        }
        let form = [
            ("client_id", self.config.client_id.as_str()),
            ("client_secret", self.config.client_secret.expose()),
            ("grant_type", "client_credentials"),
        ];
        let request = self.http.post(below(&self.config.urls.auth, "token")).form(&form);
        let answer = request.send().await.map_err(TwitchError::unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(TwitchError::unreachable)?;
        if !status.is_success() {
            return Err(match status.as_u16() {
                // About our id and secret, whatever the number; a 403 here forbids no chat.
                400 | 401 | 403 => TwitchError::Unauthorized(message_of(&body)),
                status => TwitchError::from_answer(status, &body, None),
            });
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(TwitchError::malformed)?;
        // A token that ends within the margin is still good for this minute.
        let lives =
            Duration::from_secs(answer.expires_in.unwrap_or(0)).max(RENEW_BEFORE + Duration::from_mins(1));
        Ok(UserTokens {
            access: Secret::new(answer.access_token),
            refresh: None,
            expires_at: self.clock.now().plus(lives),
            scopes: Vec::new(),
        })
    }
}
