//! Validates every user's tokens with Twitch at the start and every hour, renews those that expired, and ends a grant that
//! Twitch refuses to renew.
//!
//! Only the leader asks, one user after the other, so that no two renewals of one user meet. Nothing else opens tokens.
//! Source: "Validating Tokens" and "Refreshing Access Tokens" in Twitch's documentation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::{SealedTokens, UserTokens};
use chatpulse_domain::ports::cipher::TokenCipher;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner, TokenRepository};
use chatpulse_domain::ports::twitch_login::{LoginError, TwitchLogin};
use chatpulse_domain::time::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{RETRY_EVERY, every};
use crate::Ports;

/// Twitch audits that every token is validated this often.
const CHECK_EVERY: Duration = Duration::from_hours(1);

/// How often users who are due are looked up.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Pause between two users: at most ten a second, which spreads thousands over an hour.
const PAUSE: Duration = Duration::from_millis(100);

/// Users that are looked up at once.
const BATCH: usize = 50;

/// After this many users in a row without an answer, Twitch or the database is away and the round ends.
const UNANSWERED_MAX: u32 = 3;

/// The result of asking about one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantCheck {
    /// The access token is good.
    Valid,
    /// It was refused; a renewed one is stored.
    Renewed,
    /// Twitch refused to renew it: the tokens and the login that rests on them are deleted.
    Ended,
    /// Our keys do not open the tokens.
    Unreadable,
    /// Twitch or the database did not answer; it is tried again soon.
    Unanswered,
}

impl GrantCheck {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Valid, Self::Renewed, Self::Ended, Self::Unreadable, Self::Unanswered];

    /// As a metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Renewed => "renewed",
            Self::Ended => "ended",
            Self::Unreadable => "unreadable",
            Self::Unanswered => "unanswered",
        }
    }
}

/// Asks Twitch about every user's tokens, at the leader.
pub struct GrantChecker {
    tokens: Arc<dyn TokenRepository>,
    twitch: Arc<dyn TwitchLogin>,
    cipher: Arc<dyn TokenCipher>,
    clock: Arc<dyn Clock>,
    leadership: Arc<dyn Leadership>,
    on_check: Box<dyn Fn(GrantCheck) + Send + Sync>,
}

impl GrantChecker {
    pub(super) fn new(ports: &Ports) -> Self {
        Self {
            tokens: Arc::clone(&ports.tokens),
            twitch: Arc::clone(&ports.login),
            cipher: Arc::clone(&ports.cipher),
            clock: Arc::clone(&ports.clock),
            leadership: Arc::clone(&ports.leadership),
            on_check: Box::new(|_| {}),
        }
    }

    /// Calls `listener` with the result for each user; for metrics.
    #[must_use]
    pub fn on_check(mut self, listener: impl Fn(GrantCheck) + Send + Sync + 'static) -> Self {
        self.on_check = Box::new(listener);
        self
    }

    /// Asks about whoever is due, until `stop`. Finishes a renewal that has begun: Twitch may have spent the old token.
    pub async fn run(self, stop: CancellationToken) {
        let mut looks = every(LOOK_EVERY);
        // A new leader asks again about everybody, as at any start.
        let mut leading_since = None;
        let mut unanswered = HashMap::new();
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if self.leadership.is_leader().await {
                let since = *leading_since.get_or_insert_with(|| self.clock.now());
                self.round(since, &mut unanswered, &stop).await;
            } else {
                leading_since = None;
            }
        }
    }

    async fn round(
        &self,
        leading_since: Timestamp,
        unanswered: &mut HashMap<TwitchUserId, Timestamp>,
        stop: &CancellationToken,
    ) {
        let mut unanswered_in_a_row = 0;
        loop {
            let now = self.clock.now();
            unanswered.retain(|_, at| now.since(*at) < CHECK_EVERY);
            let then = now.minus(CHECK_EVERY).max(leading_since);
            let most = BATCH + unanswered.len();
            let mut due = match self.tokens.unchecked_since(then, most).await {
                Ok(due) => due,
                Err(error) => return warn!(%error, "failed to look up whose tokens are due; trying again"),
            };
            let is_last = due.len() < most;
            // Users without an answer come last, so that they delay nobody.
            due.sort_by_key(|stored| unanswered.contains_key(&stored.user));
            for stored in due {
                if stop.is_cancelled() || !self.leadership.is_leader().await {
                    return;
                }
                let found = self.ask_about(&stored, stop).await;
                (self.on_check)(found);
                if found == GrantCheck::Unanswered {
                    unanswered_in_a_row += 1;
                    unanswered.insert(stored.user, self.clock.now());
                } else {
                    unanswered_in_a_row = 0;
                }
                if unanswered_in_a_row == UNANSWERED_MAX {
                    return;
                }
                sleep(PAUSE).await;
            }
            if is_last {
                return;
            }
        }
    }

    async fn ask_about(&self, stored: &StoredTokens, stop: &CancellationToken) -> GrantCheck {
        let Ok(tokens) = self.cipher.open(&stored.user, &stored.sealed) else {
            return or_unanswered(self.store(stored, &stored.sealed).await, GrantCheck::Unreadable);
        };
        // Only a renewal must not be interrupted.
        let Some(validated) = stop.run_until_cancelled(self.twitch.validate(&tokens.access)).await else {
            return GrantCheck::Unanswered;
        };
        match validated {
            Ok(()) if self.cipher.is_current(&stored.sealed) => {
                or_unanswered(self.store(stored, &stored.sealed).await, GrantCheck::Valid)
            }
            // Sealed with an older key: seal again with the current one.
            Ok(()) => {
                let sealed = self.cipher.seal(&stored.user, &tokens);
                or_unanswered(self.store(stored, &sealed).await, GrantCheck::Valid)
            }
            Err(LoginError::Refused(_)) => self.renew(stored, tokens, stop).await,
            Err(error @ LoginError::Unreachable(_)) => unanswered(stored, &error),
        }
    }

    /// A refused access token proves nothing, since it lives about four hours. A refused renewal ends the grant.
    async fn renew(&self, stored: &StoredTokens, tokens: UserTokens, stop: &CancellationToken) -> GrantCheck {
        let renewed = match &tokens.refresh {
            Some(refresh) => self.twitch.refresh(refresh).await,
            None => Err(LoginError::Refused("there is no refresh token".into())),
        };
        match renewed {
            Ok(mut next) => {
                if next.scopes.is_empty() {
                    next.scopes = tokens.scopes;
                }
                self.store_with_retries(stored, &self.cipher.seal(&stored.user, &next), stop).await
            }
            Err(LoginError::Refused(_)) => match self.tokens.delete(stored).await {
                Ok(true) => {
                    note_ended(stored);
                    GrantCheck::Ended
                }
                // The user agreed again meanwhile.
                Ok(false) => GrantCheck::Renewed,
                Err(error) => unanswered(stored, &error),
            },
            Err(error @ LoginError::Unreachable(_)) => unanswered(stored, &error),
        }
    }

    async fn store(&self, stored: &StoredTokens, sealed: &SealedTokens) -> Result<bool, StoreError> {
        self.tokens.renew(stored, sealed, self.clock.now()).await
    }

    /// Stores renewed tokens, with retries: the old ones may be spent, so these are all that is left of the grant.
    async fn store_with_retries(
        &self,
        stored: &StoredTokens,
        sealed: &SealedTokens,
        stop: &CancellationToken,
    ) -> GrantCheck {
        loop {
            let is_last_try = stop.is_cancelled();
            match self.store(stored, sealed).await {
                Ok(_) => return GrantCheck::Renewed,
                Err(error) if is_last_try => {
                    warn!(user.id = %stored.user, %error, "failed to store renewed tokens before the stop; this user may have to log in again");
                    return GrantCheck::Unanswered;
                }
                Err(error) => {
                    warn!(user.id = %stored.user, %error, "failed to store renewed tokens; trying again");
                    stop.run_until_cancelled(sleep(RETRY_EVERY)).await;
                }
            }
        }
    }
}

fn note_ended(StoredTokens { owner, user, .. }: &StoredTokens) {
    match owner {
        TokenOwner::Streamer(id) => {
            info!(streamer.id = %id, "ended a login: Twitch refuses to renew the streamer's tokens");
        }
        TokenOwner::Bot => warn!(
            "the account {user} no longer agrees to read chat: open /auth/start?role=bot, logged in at Twitch as that account"
        ),
    }
}

/// `found`, unless the database failed. Tokens that a login replaced meanwhile are fine too.
fn or_unanswered(stored: Result<bool, StoreError>, found: GrantCheck) -> GrantCheck {
    match stored {
        Ok(_) => found,
        Err(error) => {
            warn!(%error, "failed to record token validation");
            GrantCheck::Unanswered
        }
    }
}

fn unanswered(stored: &StoredTokens, error: &dyn std::error::Error) -> GrantCheck {
    warn!(user.id = %stored.user, %error, "failed to validate a user's tokens; trying again");
    GrantCheck::Unanswered
}
