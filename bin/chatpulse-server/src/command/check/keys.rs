//! Checks the session secret and whether stored tokens can be opened.

use chatpulse_domain::ports::cipher::TokenCipher as _;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenRepository};
use chatpulse_twitch::tokens::RingCipher;

use super::report::Report;
use super::{DO_AS_IT_SAYS, Settings};
use crate::wiring::KeysToCheck;

const SECRET: &str = "session secret";
const TOKENS: &str = "stored tokens";

/// Reports warnings, not failures, where only the affected streamers have to log in again.
pub(super) async fn check(settings: &Settings, tokens: &dyn TokenRepository, report: &mut Report) {
    let keys = match KeysToCheck::find(&settings.stores) {
        Ok(keys) => keys,
        Err(error) => return report.fail(SECRET, format!("{error:#}"), DO_AS_IT_SAYS),
    };
    let all = match tokens.all().await {
        Ok(all) => all,
        Err(error) => return report.warn(TOKENS, error.to_string(), "see the database above"),
    };
    let count = all.len();
    if let Some(file) = &keys.origin.missing_file
        && count > 0
    {
        report.warn(
            SECRET,
            format!(
                "{} is missing, although the database holds the tokens of {count} accounts: it was lost, or left out \
                 of a backup",
                file.display()
            ),
            "put it back from a backup; without it everybody logs in again",
        );
    }
    let Some(key) = &keys.token_key else { return };
    let cipher = RingCipher::new(key, &keys.token_keys_old);
    let is_shut = |kept: &&StoredTokens| cipher.open(&kept.user, &kept.sealed).is_err();
    let shut = all.iter().filter(is_shut).count();
    if shut == 0 {
        report.ok(TOKENS, format!("all {count} can be opened"));
    } else {
        let found = format!("{shut} of {count} cannot be opened with the key from {}", keys.origin.token_key);
        report.warn(TOKENS, found, keys.origin.advice());
    }
}
