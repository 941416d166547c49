//! What users agreed to at Twitch: asked about at the start and every hour, renewed where an access token ran out, ended
//! where Twitch refuses to renew it or the user took it back.
//!
//! Only the leader asks, one user after the other: so no two renewals of one user meet. Tokens are opened nowhere else.
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
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{RETRY_EVERY, every};
use crate::Ports;
use crate::grants::Withdrawal;

/// Twitch audits that every token is validated this often.
const CHECK_EVERY: Duration = Duration::from_hours(1);

/// How often is looked for somebody who is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Between two users: at most ten a second, which spreads thousands over their hour.
const PAUSE: Duration = Duration::from_millis(100);

const BATCH: usize = 50;

/// So many users in a row without an answer: Twitch or the database is away, and this round ends.
const UNANSWERED_MAX: u32 = 3;

/// What came of asking about one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantCheck {
    /// The access token is good.
    Valid,
    /// It was not; the next one is kept.
    Renewed,
    /// Twitch renews it no more: tokens are forgotten, and what rests on them has ended.
    Ended,
    /// Our keys do not open it.
    Unreadable,
    /// Twitch or the database did not answer; asked again soon.
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

pub(super) type OnGrantCheck = dyn Fn(GrantCheck) + Send + Sync;

pub(super) struct Grants {
    tokens: Arc<dyn TokenRepository>,
    twitch: Arc<dyn TwitchLogin>,
    cipher: Arc<dyn TokenCipher>,
    clock: Arc<dyn Clock>,
    leadership: Arc<dyn Leadership>,
}

impl Grants {
    pub(super) fn new(ports: &Ports) -> Self {
        Self {
            tokens: Arc::clone(&ports.tokens),
            twitch: Arc::clone(&ports.login),
            cipher: Arc::clone(&ports.cipher),
            clock: Arc::clone(&ports.clock),
            leadership: Arc::clone(&ports.leadership),
        }
    }

    /// Asks whoever is due, until `stop`. A renewal that is under way is finished: Twitch may have spent the old token.
    pub(super) async fn check(&self, stop: &CancellationToken, on_check: &OnGrantCheck) {
        let mut looks = every(LOOK_EVERY);
        // From then on it is our duty; what another leader asked before is asked again, as at any start.
        let mut leading_since = None;
        let mut unanswered = HashMap::new();
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if self.leadership.is_leader().await {
                let since = *leading_since.get_or_insert_with(|| self.clock.now());
                self.round(since, &mut unanswered, stop, on_check).await;
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
        on_check: &OnGrantCheck,
    ) {
        let mut unanswered_in_a_row = 0;
        loop {
            let now = self.clock.now();
            unanswered.retain(|_, at| now.since(*at) < CHECK_EVERY);
            let then = now.minus(CHECK_EVERY).max(leading_since);
            let most = BATCH + unanswered.len();
            let mut due = match self.tokens.unchecked_since(then, most).await {
                Ok(due) => due,
                Err(error) => return warn!(%error, "users' tokens are not checked this time"),
            };
            let is_last = due.len() < most;
            // Those that got no answer before must not keep the others waiting.
            due.sort_by_key(|kept| unanswered.contains_key(&kept.user));
            for kept in due {
                if stop.is_cancelled() || !self.leadership.is_leader().await {
                    return;
                }
                let found = self.ask_about(&kept, stop).await;
                on_check(found);
                if found == GrantCheck::Unanswered {
                    unanswered_in_a_row += 1;
                    unanswered.insert(kept.user, self.clock.now());
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

    async fn ask_about(&self, kept: &StoredTokens, stop: &CancellationToken) -> GrantCheck {
        let Ok(tokens) = self.cipher.open(&kept.user, &kept.sealed) else {
            return or_unanswered(self.keep(kept, &kept.sealed).await, GrantCheck::Unreadable);
        };
        // Only a renewal must not be cut short.
        let Some(validated) = stop.run_until_cancelled(self.twitch.validate(&tokens.access)).await else {
            return GrantCheck::Unanswered;
        };
        match validated {
            Ok(()) if self.cipher.is_current(&kept.sealed) => {
                or_unanswered(self.keep(kept, &kept.sealed).await, GrantCheck::Valid)
            }
            // The key was replaced.
            Ok(()) => {
                let sealed = self.cipher.seal(&kept.user, &tokens);
                or_unanswered(self.keep(kept, &sealed).await, GrantCheck::Valid)
            }
            Err(LoginError::Refused(_)) => self.renew(kept, tokens, stop).await,
            Err(error @ LoginError::Unreachable(_)) => unanswered(kept, &error),
        }
    }

    /// An access token lives about four hours, so one that is refused says nothing; only a refused renewal does.
    async fn renew(&self, kept: &StoredTokens, tokens: UserTokens, stop: &CancellationToken) -> GrantCheck {
        let renewed = match &tokens.refresh {
            Some(refresh) => self.twitch.refresh(refresh).await,
            None => Err(LoginError::Refused("there is no refresh token".into())),
        };
        match renewed {
            Ok(mut next) => {
                if next.scopes.is_empty() {
                    next.scopes = tokens.scopes;
                }
                self.keep_in_any_case(kept, &self.cipher.seal(&kept.user, &next), stop).await
            }
            Err(LoginError::Refused(_)) => match self.tokens.delete(kept).await {
                Ok(true) => {
                    note_ended(kept);
                    GrantCheck::Ended
                }
                // They agreed anew meanwhile.
                Ok(false) => GrantCheck::Renewed,
                Err(error) => unanswered(kept, &error),
            },
            Err(error @ LoginError::Unreachable(_)) => unanswered(kept, &error),
        }
    }

    async fn keep(&self, kept: &StoredTokens, sealed: &SealedTokens) -> Result<bool, StoreError> {
        self.tokens.renew(kept, sealed, self.clock.now()).await
    }

    /// The old ones may be spent, so these are all that is left of the grant.
    async fn keep_in_any_case(
        &self,
        kept: &StoredTokens,
        sealed: &SealedTokens,
        stop: &CancellationToken,
    ) -> GrantCheck {
        loop {
            let is_last_try = stop.is_cancelled();
            match self.keep(kept, sealed).await {
                Ok(_) => return GrantCheck::Renewed,
                Err(error) if is_last_try => {
                    warn!(user.id = %kept.user, %error, "renewed tokens were not stored before the stop: that user may have to agree again");
                    return GrantCheck::Unanswered;
                }
                Err(error) => {
                    warn!(user.id = %kept.user, %error, "renewed tokens are not stored yet; trying again");
                    stop.run_until_cancelled(sleep(RETRY_EVERY)).await;
                }
            }
        }
    }

    /// Ends the grants of users who took them back, one after the other; until `stop`, and what is known by then.
    pub(super) async fn end(&self, mut withdrawn: mpsc::Receiver<Withdrawal>, stop: &CancellationToken) {
        while let Some(Some(next)) = stop.run_until_cancelled(withdrawn.recv()).await {
            while !self.end_one(&next).await {
                if stop.run_until_cancelled(sleep(RETRY_EVERY)).await.is_none() {
                    break;
                }
            }
        }
        while let Ok(left) = withdrawn.try_recv() {
            self.end_one(&left).await;
        }
    }

    async fn end_one(&self, Withdrawal { user, at }: &Withdrawal) -> bool {
        match self.tokens.end_grant(user, *at).await {
            Ok(true) => info!("{user} took back their consent at Twitch: tokens and logins are gone"),
            Ok(false) => {}
            Err(error) => {
                warn!(%error, "a user took back their consent at Twitch, which could not be noted yet");
                return false;
            }
        }
        true
    }
}

fn note_ended(StoredTokens { owner, user, .. }: &StoredTokens) {
    match owner {
        TokenOwner::Streamer(id) => {
            info!(streamer.id = %id, "Twitch renews a streamer's tokens no more: their login ends");
        }
        TokenOwner::Bot => warn!(
            "the account {user} no longer agrees to read chat: open /auth/start?role=bot, logged in at Twitch as that account"
        ),
    }
}

/// Kept or replaced by a login meanwhile, both are fine; the rest is for the next round.
fn or_unanswered(kept: Result<bool, StoreError>, found: GrantCheck) -> GrantCheck {
    match kept {
        Ok(_) => found,
        Err(error) => {
            warn!(%error, "that a user's tokens were checked could not be noted");
            GrantCheck::Unanswered
        }
    }
}

fn unanswered(kept: &StoredTokens, error: &dyn std::error::Error) -> GrantCheck {
    warn!(user.id = %kept.user, %error, "a user's tokens could not be checked; trying again");
    GrantCheck::Unanswered
}
