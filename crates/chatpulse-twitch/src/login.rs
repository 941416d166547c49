//! Logging in with Twitch: the authorization code flow, and the validation, refresh and revocation of its tokens.
//! Source: Twitch's "Getting OAuth Access Tokens", "Validating Tokens" and "Refreshing Access Tokens".

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::{Grant, LoginRole, UserTokens};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::twitch_login::{LoginError, TwitchLogin};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::streamer::TwitchProfile;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::warn;
use url::Url;

use crate::config::{TwitchConfig, below};
use crate::http_client;

/// Twitch's OAuth endpoints.
pub struct OauthLogin {
    http: reqwest::Client,
    config: TwitchConfig,
    clock: Arc<dyn Clock>,
}

impl OauthLogin {
    /// Fails only if TLS cannot be set up.
    pub fn new(config: TwitchConfig, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Ok(Self { http: http_client::build(&config)?, config, clock })
    }
}

#[async_trait]
impl TwitchLogin for OauthLogin {
    fn authorize_url(&self, role: LoginRole, state: &str) -> String {
        let mut url = match Url::parse(&below(&self.config.urls.auth, "authorize")) {
            Ok(url) => url,
            Err(_) => self.config.urls.auth.clone(),
        };
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &role.scopes().join(" "))
            .append_pair("state", state);
        if role == LoginRole::Bot {
            // Without it Twitch silently takes whichever account the browser is logged in with.
            url.query_pairs_mut().append_pair("force_verify", "true");
        }
        url.into()
    }

    async fn exchange(&self, code: &Secret) -> Result<Grant, LoginError> {
        let mut token = self.redeem(code).await?;
        let access = Secret::new(std::mem::take(&mut token.access_token));
        let grant = self.identify(token, access.clone()).await;
        if grant.is_err()
            && let Err(error) = self.revoke(&access).await
        {
            warn!(%error, "failed to revoke the tokens of a login that did not succeed");
        }
        grant
    }

    async fn validate(&self, access: &Secret) -> Result<(), LoginError> {
        self.validate_token(access).await.map(drop)
    }

    async fn refresh(&self, refresh: &Secret) -> Result<UserTokens, LoginError> {
        let form = [
            ("client_id", self.config.client_id.as_str()),
            ("client_secret", self.config.client_secret.expose()),
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
        ];
        let request = self.http.post(below(&self.config.urls.auth, "token")).form(&form);
        let token: TokenAnswer = self.call(request, is_dead_grant).await?;
        Ok(UserTokens {
            access: Secret::new(token.access_token),
            // Twitch may send a new one, or leave this one valid.
            refresh: Some(token.refresh_token.map_or_else(|| refresh.clone(), Secret::new)),
            expires_at: self.clock.now().plus(Duration::from_secs(token.expires_in.unwrap_or(0))),
            scopes: token.scope.unwrap_or_default(),
        })
    }

    /// Source: "Revoking Access Tokens".
    async fn revoke(&self, access: &Secret) -> Result<(), LoginError> {
        let form = [("client_id", self.config.client_id.as_str()), ("token", access.expose())];
        let request = self.http.post(below(&self.config.urls.auth, "revoke")).form(&form);
        let unreachable = |error: reqwest::Error| LoginError::Unreachable(error.without_url().into());
        let status = request.send().await.map_err(unreachable)?.status();
        match status.as_u16() {
            200..300 => Ok(()),
            400 => Err(LoginError::Refused("Twitch knows no such token".into())),
            _ => Err(LoginError::Unreachable(format!("Twitch answered {status}").into())),
        }
    }
}

/// Each of `expires_in`, `refresh_token` and `scope` is missing in some real answers.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ValidateAnswer {
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    login: Option<String>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct UsersAnswer {
    data: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    display_name: String,
}

impl OauthLogin {
    async fn redeem(&self, code: &Secret) -> Result<TokenAnswer, LoginError> {
        let form = [
            ("client_id", self.config.client_id.as_str()),
            ("client_secret", self.config.client_secret.expose()),
            ("code", code.expose()),
            ("grant_type", "authorization_code"),
            ("redirect_uri", self.config.redirect_uri.as_str()),
        ];
        self.call(self.http.post(below(&self.config.urls.auth, "token")).form(&form), is_refusal).await
    }

    /// Asks Twitch whose token it is.
    async fn identify(&self, token: TokenAnswer, access: Secret) -> Result<Grant, LoginError> {
        let validated = self.validate_token(&access).await?;
        let id = validated.user_id.as_deref().and_then(|id| TwitchUserId::new(id).ok());
        let (Some(id), Some(login)) = (id, validated.login) else {
            return Err(LoginError::Refused("the token belongs to no user".into()));
        };
        let display_name = self.display_name(&access, &id).await.unwrap_or_else(|error| {
            warn!(%error, "failed to get the display name of a user who logged in; showing the login name");
            login.clone()
        });
        let lives = Duration::from_secs(token.expires_in.or(validated.expires_in).unwrap_or(0));
        Ok(Grant {
            user: TwitchProfile { id, login, display_name },
            tokens: UserTokens {
                access,
                refresh: token.refresh_token.map(Secret::new),
                expires_at: self.clock.now().plus(lives),
                scopes: validated.scopes.or(token.scope).unwrap_or_default(),
            },
        })
    }

    async fn validate_token(&self, access: &Secret) -> Result<ValidateAnswer, LoginError> {
        let authorization = format!("OAuth {}", access.expose());
        let request = self.http.get(below(&self.config.urls.auth, "validate"));
        self.call(request.header("Authorization", authorization), |status, _| status == 401).await
    }

    async fn display_name(&self, access: &Secret, id: &TwitchUserId) -> Result<String, LoginError> {
        let mut url = Url::parse(&below(&self.config.urls.api, "users"))
            .map_err(|error| LoginError::Unreachable(error.into()))?;
        url.query_pairs_mut().append_pair("id", id.as_str());
        let request =
            self.http.get(url).bearer_auth(access.expose()).header("Client-Id", &self.config.client_id);
        let answer: UsersAnswer = self.call(request, is_refusal).await?;
        let user =
            answer.data.into_iter().find(|user| user.id == id.as_str() && !user.display_name.is_empty());
        user.map(|user| user.display_name)
            .ok_or_else(|| LoginError::Refused("Twitch does not know the user".into()))
    }

    /// An answer for which `is_refusal` holds, given its status and message, is final; after any other failure a retry may
    /// help.
    async fn call<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        is_refusal: impl Fn(u16, &str) -> bool,
    ) -> Result<T, LoginError> {
        let unreachable = |error: reqwest::Error| LoginError::Unreachable(error.without_url().into());
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| LoginError::Unreachable(error.into()));
        }
        let message = crate::error::message_of(&body);
        let reason = format!("Twitch answered {status}: {message}");
        if is_refusal(status.as_u16(), &message) {
            Err(LoginError::Refused(reason.into()))
        } else {
            Err(LoginError::Unreachable(reason.into()))
        }
    }
}

/// Whether a login code, or a user's token, is refused.
fn is_refusal(status: u16, _message: &str) -> bool {
    (400..500).contains(&status) && status != 429
}

/// Whether a refresh token is refused for good. A wrong client secret, or an answer of a proxy, tells nothing about the
/// user's grant and must not end it. Source: "Refreshing Access Tokens".
fn is_dead_grant(status: u16, message: &str) -> bool {
    status == 401 || (status == 400 && message.to_lowercase().contains("invalid refresh token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_about_the_token_itself_ends_a_grant() {
        assert!(is_dead_grant(400, "Invalid refresh token"));
        assert!(is_dead_grant(401, ""));
        for (status, message) in [
            (400, "missing client secret"),
            (400, "invalid client"),
            (403, "invalid client secret"),
            (403, "Invalid refresh token"),
            (404, "no reason given"),
            (407, "no reason given"),
            (429, "slow down"),
            (503, ""),
        ] {
            assert!(!is_dead_grant(status, message), "{status} {message}");
        }
    }
}
