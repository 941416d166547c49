//! Tokens at rest: AES-256-GCM, bound to their owner, readable with several keys while one is being replaced.
//!
//! Layout: format (1 byte) ‖ key id (4) ‖ nonce (12) ‖ ciphertext with tag.

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::{SealedTokens, UserTokens};
use chatpulse_domain::ports::cipher::{CannotOpen, TokenCipher};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::time::Timestamp;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

const FORMAT: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEAD_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;

/// A 256-bit key. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// From these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Seals with the current key, opens with any.
pub struct RingCipher {
    keys: Vec<Key>,
    random: SystemRandom,
}

struct Key {
    id: [u8; KEY_ID_LEN],
    key: LessSafeKey,
}

impl RingCipher {
    /// `current` seals; `earlier` ones only open.
    pub fn new(current: &TokenKey, earlier: &[TokenKey]) -> Self {
        let keys = std::iter::once(current).chain(earlier).filter_map(Key::new).collect();
        Self { keys, random: SystemRandom::new() }
    }
}

impl Key {
    /// 32 bytes are always a key for this algorithm.
    fn new(key: &TokenKey) -> Option<Self> {
        let hash = digest(&SHA256, &key.0);
        let id = hash.as_ref().first_chunk().copied()?;
        let key = UnboundKey::new(&AES_256_GCM, &key.0).ok()?;
        Some(Self { id, key: LessSafeKey::new(key) })
    }
}

/// The format of tokens before they are sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    access: String,
    refresh: Option<String>,
    expires_at_ms: i64,
    scopes: Vec<String>,
}

impl TokenCipher for RingCipher {
    fn seal(&self, user: &TwitchUserId, tokens: &UserTokens) -> SealedTokens {
        self.seal_for(user.as_str().as_bytes(), tokens)
    }

    fn open(&self, user: &TwitchUserId, sealed: &SealedTokens) -> Result<UserTokens, CannotOpen> {
        self.open_of(user.as_str().as_bytes(), sealed)
    }

    fn is_current(&self, sealed: &SealedTokens) -> bool {
        let current = self.keys.first().map(|key| key.id.as_slice());
        current.is_some() && sealed.0.get(1..=KEY_ID_LEN) == current
    }
}

impl RingCipher {
    /// Opens for the same `owner` only, which is not stored.
    pub(crate) fn seal_for(&self, owner: &[u8], tokens: &UserTokens) -> SealedTokens {
        let plain = Sealed {
            access: tokens.access.expose().to_owned(),
            refresh: tokens.refresh.as_ref().map(|refresh| refresh.expose().to_owned()),
            expires_at_ms: tokens.expires_at.unix_ms,
            scopes: tokens.scopes.clone(),
        };
        SealedTokens(
            self.seal_bytes(owner, serde_json::to_vec(&plain).unwrap_or_default()).unwrap_or_default(),
        )
    }

    pub(crate) fn open_of(&self, owner: &[u8], sealed: &SealedTokens) -> Result<UserTokens, CannotOpen> {
        let (head, ciphertext) = sealed.0.split_at_checked(HEAD_LEN).ok_or(CannotOpen)?;
        let (format, key_id, nonce) = (head[0], &head[1..=KEY_ID_LEN], &head[1 + KEY_ID_LEN..]);
        let key = self.keys.iter().find(|key| key.id == key_id && format == FORMAT).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut bytes = ciphertext.to_vec();
        let plain = key.key.open_in_place(nonce, Aad::from(owner), &mut bytes).map_err(|_| CannotOpen)?;
        let plain: Sealed = serde_json::from_slice(plain).map_err(|_| CannotOpen)?;
        Ok(UserTokens {
            access: Secret::new(plain.access),
            refresh: plain.refresh.map(Secret::new),
            expires_at: Timestamp::from_unix_ms(plain.expires_at_ms),
            scopes: plain.scopes,
        })
    }

    /// `None` only if the system has no randomness: then nothing is stored, and the user has to log in again.
    fn seal_bytes(&self, owner: &[u8], mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let current = self.keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let sealing = Nonce::assume_unique_for_key(nonce);
        current.key.seal_in_place_append_tag(sealing, Aad::from(owner), &mut bytes).ok()?;
        Some([&[FORMAT], current.id.as_slice(), &nonce, &bytes].concat())
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn tokens() -> UserTokens {
        UserTokens {
            access: Secret::new("access-1"),
            refresh: Some(Secret::new("refresh%=1")),
            expires_at: Timestamp::from_unix_ms(1_700_000_000_000),
            scopes: vec!["channel:bot".into()],
        }
    }

    fn user(id: &str) -> TwitchUserId {
        TwitchUserId::new(id).unwrap()
    }

    #[test]
    fn sealed_tokens_open_for_their_user_only() {
        let cipher = RingCipher::new(&TokenKey::new([1; 32]), &[]);
        let sealed = cipher.seal(&user("1"), &tokens());
        assert_eq!(cipher.open(&user("1"), &sealed), Ok(tokens()));
        assert_eq!(cipher.open(&user("2"), &sealed), Err(CannotOpen));
        assert!(!String::from_utf8_lossy(&sealed.0).contains("access-1"));
    }

    #[test]
    fn an_earlier_key_still_opens_and_a_foreign_one_does_not() {
        let (old, new) = (TokenKey::new([1; 32]), TokenKey::new([2; 32]));
        let sealed = RingCipher::new(&old, &[]).seal(&user("1"), &tokens());
        assert_eq!(RingCipher::new(&new, from_ref(&old)).open(&user("1"), &sealed), Ok(tokens()));
        assert_eq!(RingCipher::new(&new, &[]).open(&user("1"), &sealed), Err(CannotOpen));
        assert!(RingCipher::new(&old, from_ref(&new)).is_current(&sealed));
        assert!(!RingCipher::new(&new, &[old]).is_current(&sealed));
        assert!(!RingCipher::new(&new, &[]).is_current(&SealedTokens(Vec::new())));
    }

    #[test]
    fn damaged_bytes_do_not_open_and_do_not_panic() {
        let cipher = RingCipher::new(&TokenKey::new([1; 32]), &[]);
        let sealed = cipher.seal(&user("1"), &tokens());
        for length in 0..sealed.0.len() {
            assert_eq!(cipher.open(&user("1"), &SealedTokens(sealed.0[..length].to_vec())), Err(CannotOpen));
        }
        for place in 0..sealed.0.len() {
            let mut damaged = sealed.clone();
            damaged.0[place] ^= 1;
            assert_eq!(cipher.open(&user("1"), &damaged), Err(CannotOpen), "byte {place}");
        }
    }
}
