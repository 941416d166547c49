//! Ids, tokens and times in Twitch's formats.

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

const TOKEN_LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const SESSION_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Generates the ids of one simulated Twitch.
#[derive(Debug)]
pub(crate) struct Ids(ChaCha12Rng);

impl Ids {
    /// Creates the generator. Seed 0 differs on every start, so that a restarted Twitch is not mistaken for the old
    /// one.
    pub(crate) fn new(seed: u64) -> Self {
        Self(if seed == 0 { rand::make_rng() } else { ChaCha12Rng::seed_from_u64(seed) })
    }

    /// Returns the id of a message, conduit or subscription.
    pub(crate) fn uuid(&mut self) -> String {
        Uuid::from_u128(self.0.random()).to_string()
    }

    /// Returns an access token or authorization code.
    pub(crate) fn token(&mut self) -> String {
        self.letters(TOKEN_LETTERS, 30)
    }

    /// Returns a refresh token. Real ones contain characters that must be encoded in a form, so these do too.
    pub(crate) fn refresh_token(&mut self) -> String {
        format!("{}%{}=", self.letters(TOKEN_LETTERS, 40), self.letters(TOKEN_LETTERS, 8))
    }

    /// Returns the id of a WebSocket session.
    pub(crate) fn session(&mut self) -> String {
        format!("AgoQ{}", self.letters(SESSION_LETTERS, 32))
    }

    /// Returns a challenge, which a webhook must echo.
    pub(crate) fn challenge(&mut self) -> String {
        format!("pogchamp-kappa-360noscope-{}", self.letters(TOKEN_LETTERS, 6))
    }

    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.0.random_range(0..alphabet.len())])).collect()
    }
}

/// Returns the current time in Twitch's format: RFC 3339 in UTC with nanoseconds.
pub(crate) fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

/// FNV-1a: a hash that is the same on every machine and in every build.
pub(crate) fn stable_hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
