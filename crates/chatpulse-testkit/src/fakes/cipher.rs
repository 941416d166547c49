//! A cipher that encrypts nothing: it writes the key's name and the user in front of the text.

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::{SealedTokens, UserTokens};
use chatpulse_domain::ports::cipher::{CannotOpen, TokenCipher};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::time::Timestamp;

/// Separates the parts of a sealed text; no token contains it.
const BETWEEN: &str = "\u{1f}";

/// Seals under the name of a key.
#[derive(Debug, Clone)]
pub struct FakeCipher {
    key: String,
}

impl FakeCipher {
    /// A cipher that opens only what was sealed under the same name.
    pub fn with_key(key: &str) -> Self {
        Self { key: key.to_owned() }
    }
}

impl Default for FakeCipher {
    fn default() -> Self {
        Self::with_key("key")
    }
}

impl TokenCipher for FakeCipher {
    fn seal(&self, user: &TwitchUserId, tokens: &UserTokens) -> SealedTokens {
        let refresh = tokens.refresh.as_ref().map_or("", Secret::expose);
        let expires_at = tokens.expires_at.unix_ms.to_string();
        let scopes = tokens.scopes.join(" ");
        let parts = [self.key.as_str(), user.as_str(), tokens.access.expose(), refresh, &expires_at, &scopes];
        SealedTokens(parts.join(BETWEEN).into_bytes())
    }

    fn open(&self, user: &TwitchUserId, sealed: &SealedTokens) -> Result<UserTokens, CannotOpen> {
        let text = std::str::from_utf8(&sealed.0).map_err(|_| CannotOpen)?;
        let parts: Vec<&str> = text.split(BETWEEN).collect();
        let [key, owner, access, refresh, expires_at, scopes] = parts[..] else {
            return Err(CannotOpen);
        };
        if key != self.key || owner != user.as_str() {
            return Err(CannotOpen);
        }
        let unix_ms = expires_at.parse().map_err(|_| CannotOpen)?;
        Ok(UserTokens {
            access: Secret::new(access),
            refresh: (!refresh.is_empty()).then(|| Secret::new(refresh)),
            expires_at: Timestamp::from_unix_ms(unix_ms),
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        })
    }

    fn is_current(&self, sealed: &SealedTokens) -> bool {
        sealed.0.starts_with(format!("{}{BETWEEN}", self.key).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders as build;

    #[test]
    fn it_opens_what_it_sealed_for_the_same_user() {
        let (cipher, tokens) = (FakeCipher::default(), build::tokens());
        let without_refresh = UserTokens { refresh: None, scopes: Vec::new(), ..build::tokens() };
        for tokens in [tokens, without_refresh] {
            let sealed = cipher.seal(&build::user("1"), &tokens);
            assert_eq!(cipher.open(&build::user("1"), &sealed), Ok(tokens));
        }
    }

    #[test]
    fn another_user_or_another_key_does_not_open_it() {
        let sealed = FakeCipher::default().seal(&build::user("1"), &build::tokens());
        let opened = FakeCipher::default().open(&build::user("2"), &sealed);
        assert_eq!(opened, Err(CannotOpen));
        let opened = FakeCipher::with_key("another").open(&build::user("1"), &sealed);
        assert_eq!(opened, Err(CannotOpen));
        let opened = FakeCipher::default().open(&build::user("1"), &build::sealed());
        assert_eq!(opened, Err(CannotOpen));
    }
}
