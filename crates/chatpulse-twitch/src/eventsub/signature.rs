//! Signature and age of a webhook, without I/O. No input may panic.
//! Source: Twitch's "Handling Webhook Events": HMAC-SHA256 over id ‖ timestamp ‖ body, no separators.

use std::time::Duration;

use chatpulse_domain::secret::Secret;
use chatpulse_domain::time::Timestamp;
use ring::hmac;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A message whose time is further off than this, in either direction, is stale.
pub const FRESH_FOR: Duration = Duration::from_mins(10);

const DIGEST_LEN: usize = 32;

/// The key of one webhook secret.
#[derive(Clone)]
pub struct SignatureKey(hmac::Key);

impl SignatureKey {
    /// The secret's characters are the key, not what they might encode.
    pub fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
    }

    /// Compares in constant time. A header that is not `sha256=` and 64 hex digits is a wrong signature.
    pub fn verifies(&self, message_id: &[u8], timestamp: &[u8], body: &[u8], header: &[u8]) -> bool {
        let Some(tag) = digest_of(header) else {
            return false;
        };
        let signed = [message_id, timestamp, body].concat();
        hmac::verify(&self.0, &signed, &tag).is_ok()
    }
}

fn digest_of(header: &[u8]) -> Option<[u8; DIGEST_LEN]> {
    let hex = header.strip_prefix(b"sha256=")?;
    if hex.len() != 2 * DIGEST_LEN {
        return None;
    }
    let mut digest = [0; DIGEST_LEN];
    for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(digest)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// When a message was sent, to the nanosecond as Twitch writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageTime(OffsetDateTime);

impl MessageTime {
    /// RFC 3339; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(Self)
    }

    /// Cut to the millisecond.
    pub fn to_timestamp(self) -> Timestamp {
        let unix_ms = self.0.unix_timestamp_nanos().div_euclid(1_000_000);
        Timestamp::from_unix_ms(i64::try_from(unix_ms).unwrap_or(i64::MAX))
    }

    /// Within ten minutes of `now`, before or after.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let now_ns = i128::from(now.unix_ms) * 1_000_000;
        now_ns.abs_diff(self.0.unix_timestamp_nanos()) <= FRESH_FOR.as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"challenge":"hello"}"#;

    fn key() -> SignatureKey {
        SignatureKey::new(&Secret::new("a secret of ours"))
    }

    fn sign(id: &[u8], timestamp: &[u8], body: &[u8]) -> String {
        let tag = hmac::sign(&key().0, &[id, timestamp, body].concat());
        tag.as_ref().iter().fold("sha256=".to_owned(), |header, byte| format!("{header}{byte:02x}"))
    }

    #[test]
    fn a_good_signature_verifies_in_either_case_of_its_digits() {
        let good = sign(b"id", b"time", BODY);
        assert!(key().verifies(b"id", b"time", BODY, good.as_bytes()));
        let upper = format!("sha256={}", good["sha256=".len()..].to_uppercase());
        assert!(key().verifies(b"id", b"time", BODY, upper.as_bytes()));
    }

    #[test]
    fn a_changed_byte_anywhere_does_not_verify() {
        let good = sign(b"id", b"time", BODY);
        assert!(!key().verifies(b"ie", b"time", BODY, good.as_bytes()));
        assert!(!key().verifies(b"id", b"time", &BODY[1..], good.as_bytes()));
        assert!(!SignatureKey::new(&Secret::new("another")).verifies(b"id", b"time", BODY, good.as_bytes()));
    }

    #[test]
    fn malformed_headers_are_wrong_signatures_and_never_panic() {
        let good = sign(b"id", b"time", BODY);
        let malformed: [&[u8]; 9] = [
            b"",
            b"sha256=",
            b"sha256=ab",
            b"sha256=zz",
            b"sha1=abcd",
            &good.as_bytes()[..good.len() - 1],
            &[good.as_bytes(), b"00"].concat(),
            &[0xff; 71],
            &good.as_bytes()["sha256=".len()..],
        ];
        for header in malformed {
            assert!(!key().verifies(b"id", b"time", BODY, header), "{header:?}");
        }
    }

    #[test]
    fn ten_minutes_is_fresh_and_a_nanosecond_more_is_not() {
        let at = |text| MessageTime::parse(text).unwrap();
        let now = Timestamp::from_unix_ms(at("2026-09-20T14:07:00Z").0.unix_timestamp() * 1_000);
        assert!(at("2026-09-20T13:57:00Z").is_fresh(now));
        assert!(!at("2026-09-20T13:56:59.999999999Z").is_fresh(now));
        assert!(at("2026-09-20T14:07:30.5Z").is_fresh(now));
        assert!(!at("2026-09-20T14:17:00.000000001Z").is_fresh(now));
        assert_eq!(MessageTime::parse("not-a-date"), None);
    }
}
