//! How a call fails, by what we can do about it.

use chatpulse_domain::ports::error::BoxError;
use serde::Deserialize;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum TwitchError {
    /// The token is bad, or client id and secret are (401; 400 and 403 from the token endpoint).
    #[error("Twitch does not accept our credentials: {0}")]
    Unauthorized(String),
    /// A grant is missing, or the reader is banned there (403).
    #[error("Twitch does not allow it: {0}")]
    Forbidden(String),
    /// There is no such thing, or it is not ours (404).
    #[error("Twitch does not know it: {0}")]
    NotFound(String),
    /// The same subscription exists; since 2026-04-17 Twitch names it (409).
    #[error("Twitch has it already")]
    Conflict {
        /// The existing one's id.
        existing: Option<String>,
    },
    /// Out of points: wait (429 with nothing left).
    #[error("Twitch asks us to slow down")]
    RateLimited,
    /// A shard update was accepted as a whole and this shard refused.
    #[error("Twitch refused the shard: {0}")]
    ShardRefused(String),
    /// Any other refusal; trying the same again will not help soon.
    #[error("Twitch answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Twitch's message.
        message: String,
    },
    /// No answer, or a 5xx. Trying again may help.
    #[error("Twitch could not be reached: {0}")]
    Unreachable(#[source] BoxError),
    /// An answer that is not what the documentation says.
    #[error("Twitch gave an answer that cannot be read: {0}")]
    Malformed(#[source] BoxError),
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    message: String,
    #[serde(default)]
    id: Option<String>,
}

/// Twitch's message in an error body; never a token.
pub(crate) fn message_of(body: &[u8]) -> String {
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    if body.message.is_empty() {
        "no reason given".to_owned()
    } else {
        body.message.chars().take(200).collect()
    }
}

impl TwitchError {
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url().into())
    }

    pub(crate) fn malformed(error: impl Into<BoxError>) -> Self {
        Self::Malformed(error.into())
    }

    /// `points_left` is `Ratelimit-Remaining`: a 429 with points left is not about the rate (create
    /// subscription and create conduit use it for limits of their own).
    pub(crate) fn from_answer(status: u16, body: &[u8], points_left: Option<u64>) -> Self {
        let message = message_of(body);
        match status {
            401 => Self::Unauthorized(message),
            403 => Self::Forbidden(message),
            404 => Self::NotFound(message),
            409 => {
                Self::Conflict { existing: serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().id }
            }
            429 if points_left.is_none_or(|left| left == 0) => Self::RateLimited,
            500.. => Self::Unreachable(format!("it answered {status}: {message}").into()),
            _ => Self::Refused { status, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_says_which_subscription_exists() {
        let body = br#"{"error":"Conflict","status":409,"message":"subscription already exists","id":"abc"}"#;
        let error = TwitchError::from_answer(409, body, None);
        assert!(matches!(error, TwitchError::Conflict { existing: Some(id) } if id == "abc"));
        let legacy = br#"{"error":"Conflict","status":409,"message":"subscription already exists"}"#;
        assert!(matches!(
            TwitchError::from_answer(409, legacy, None),
            TwitchError::Conflict { existing: None }
        ));
    }

    #[test]
    fn a_429_with_points_left_is_another_limit() {
        let body = br#"{"error":"Too Many Requests","status":429,"message":"conduit limit reached"}"#;
        assert!(matches!(
            TwitchError::from_answer(429, body, Some(700)),
            TwitchError::Refused { status: 429, .. }
        ));
        assert!(matches!(TwitchError::from_answer(429, body, Some(0)), TwitchError::RateLimited));
    }

    #[test]
    fn a_body_that_is_not_json_does_not_panic() {
        assert!(matches!(TwitchError::from_answer(503, b"<html>", None), TwitchError::Unreachable(_)));
    }
}
