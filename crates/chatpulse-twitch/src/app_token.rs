//! The application's own token: one for all instances, used until shortly before it expires or Twitch refuses it.
//!
//! Each instance has it in memory, and the database has it sealed, for the other instances and for the next start.
//! Without the database an instance gets one of its own.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::login::{SealedTokens, UserTokens};
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::cipher::TokenCipher as _;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::secret::Secret;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::warn;

use crate::config::{TwitchConfig, below};
use crate::error::{TwitchError, message_of};
use crate::tokens::RingCipher;
use crate::twitch_clock::TwitchClock;

/// Renewed this long before it expires. Twitch's tokens last about 58 days.
const RENEW_BEFORE: Duration = Duration::from_hours(1);

/// Where all instances find the token.
pub struct SharedToken {
    /// Stores it.
    pub repository: Arc<dyn AppTokenRepository>,
    /// Seals it.
    pub cipher: Arc<RingCipher>,
}

/// Finds the shared token, or gets one.
pub(crate) struct AppToken {
    http: reqwest::Client,
    config: TwitchConfig,
    clock: TwitchClock,
    /// `None`: this instance gets its own.
    shared: Option<SharedToken>,
    /// Sealed for this owner, so that a token of another application or of an earlier secret does not open.
    owner: Vec<u8>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    token: Option<UserTokens>,
    /// Twitch refused this one, wherever it is stored.
    refused: Option<Secret>,
}

impl Current {
    fn is_refused(&self, token: &UserTokens) -> bool {
        self.refused.as_ref() == Some(&token.access)
    }
}

impl AppToken {
    pub(crate) fn new(
        http: reqwest::Client,
        config: TwitchConfig,
        clock: TwitchClock,
        shared: Option<SharedToken>,
    ) -> Self {
        let secret = digest(&SHA256, config.client_secret.expose().as_bytes());
        let owner = [b"application ", config.client_id.as_bytes(), b" ", secret.as_ref()].concat();
        Self { http, config, clock, shared, owner, current: Mutex::default() }
    }

    /// The token; callers that come together wait for one request.
    pub(crate) async fn get(&self) -> Result<Secret, TwitchError> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.token.as_ref().filter(|token| self.is_good(token)) {
            return Ok(token.access.clone());
        }
        let token = match &self.shared {
            Some(shared) => self.find_or_fetch(shared, &current).await?,
            None => self.fetch().await?,
        };
        let access = token.access.clone();
        *current = Current { token: Some(token), refused: None };
        Ok(access)
    }

    /// Twitch refused this token: the next `get` finds another.
    pub(crate) async fn refused(&self, token: &Secret) {
        let mut current = self.current.lock().await;
        if current.token.as_ref().is_some_and(|known| known.access == *token) {
            *current = Current { token: None, refused: Some(token.clone()) };
        }
    }

    fn is_good(&self, token: &UserTokens) -> bool {
        self.clock.now().plus(RENEW_BEFORE) < token.expires_at
    }

    async fn find_or_fetch(
        &self,
        shared: &SharedToken,
        current: &Current,
    ) -> Result<UserTokens, TwitchError> {
        match self.find(shared, current).await {
            Ok((_, Some(token))) => Ok(token),
            Ok((sealed, None)) => {
                let token = self.fetch().await?;
                match self.store(shared, sealed, &token, current).await {
                    Ok(token) => Ok(token),
                    Err(error) => {
                        warn!(%error, "failed to store the application's token for other instances");
                        Ok(token)
                    }
                }
            }
            Err(error) => {
                warn!(%error, "failed to look up the application's token; this instance gets its own");
                self.fetch().await
            }
        }
    }

    /// What is stored, and the token in it if it can be used.
    async fn find(
        &self,
        SharedToken { repository, cipher }: &SharedToken,
        current: &Current,
    ) -> Result<(Option<SealedTokens>, Option<UserTokens>), StoreError> {
        let Some(sealed) = repository.find().await? else {
            return Ok((None, None));
        };
        let opened = cipher.open_of(&self.owner, &sealed).ok();
        let token = opened.filter(|token| self.is_good(token) && !current.is_refused(token));
        if let Some(token) = &token
            && !cipher.is_current(&sealed)
        {
            // The key was replaced. Another instance that seals it again does the same.
            repository.replace(Some(&sealed), &cipher.seal_for(&self.owner, token)).await?;
        }
        Ok((Some(sealed), token))
    }

    /// When several instances fetch a token at once, the one that was stored first is everybody's.
    async fn store(
        &self,
        shared: &SharedToken,
        old: Option<SealedTokens>,
        fetched: &UserTokens,
        current: &Current,
    ) -> Result<UserTokens, StoreError> {
        let sealed = shared.cipher.seal_for(&self.owner, fetched);
        if !shared.repository.replace(old.as_ref(), &sealed).await?
            && let (_, Some(first)) = self.find(shared, current).await?
        {
            return Ok(first);
        }
        Ok(fetched.clone())
    }

    /// The secret is sent in the body, because URLs end up in logs.
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
        self.clock.saw_answer(answer.headers());
        let status = answer.status();
        let body = answer.bytes().await.map_err(TwitchError::unreachable)?;
        if !status.is_success() {
            return Err(match status.as_u16() {
                // About our id and secret, whatever the status; a 403 here does not forbid a chat.
                400 | 401 | 403 => TwitchError::Unauthorized(message_of(&body)),
                status => TwitchError::from_answer(status, &body, None),
            });
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(TwitchError::malformed)?;
        // A token that expires within the margin is still used for a minute.
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
