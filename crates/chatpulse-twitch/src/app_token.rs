//! The application's own token: fetched when needed, kept until it nears its end or Twitch refuses it.

use std::time::Duration;

use chatpulse_domain::secret::Secret;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::{TwitchConfig, below};
use crate::error::{TwitchError, message_of};

/// Renewed this long before it ends. Twitch gives about 58 days.
const RENEW_BEFORE: Duration = Duration::from_hours(1);

/// Caches one token.
pub(crate) struct AppToken {
    http: reqwest::Client,
    config: TwitchConfig,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    token: Secret,
    ends_at: Instant,
}

impl AppToken {
    pub(crate) fn new(http: reqwest::Client, config: TwitchConfig) -> Self {
        Self { http, config, cached: Mutex::new(None) }
    }

    /// The token; callers that come together wait for one request.
    pub(crate) async fn get(&self) -> Result<Secret, TwitchError> {
        let mut cached = self.cached.lock().await;
        if let Some(known) = cached.as_ref().filter(|known| Instant::now() + RENEW_BEFORE < known.ends_at) {
            return Ok(known.token.clone());
        }
        let fresh = self.fetch().await?;
        let token = fresh.token.clone();
        *cached = Some(fresh);
        Ok(token)
    }

    /// Twitch refused this one: the next `get` fetches another.
    pub(crate) async fn refused(&self, token: &Secret) {
        let mut cached = self.cached.lock().await;
        if cached.as_ref().is_some_and(|known| known.token == *token) {
            *cached = None;
        }
    }

    /// The secret travels in the body: addresses end up in logs.
    async fn fetch(&self) -> Result<Cached, TwitchError> {
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
        Ok(Cached { token: Secret::new(answer.access_token), ends_at: Instant::now() + lives })
    }
}
