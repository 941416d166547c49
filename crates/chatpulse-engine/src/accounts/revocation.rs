//! Which tokens of a login are kept, and the revocation of the others at Twitch.

use std::time::Duration;

use chatpulse_domain::login::{Grant, LoginRole, SealedTokens, UserTokens};
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner};
use chatpulse_domain::ports::twitch_login::LoginError;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::Accounts;

/// A login does not wait longer for the revocation of tokens that nobody uses.
const REVOKE_WITHIN: Duration = Duration::from_secs(5);

impl Accounts {
    /// Returns the tokens that the account keeps, and those that nobody uses any more.
    ///
    /// The reader may come back through a login that asks for less, because the server cannot know who will log in. Their
    /// earlier tokens, which read chat, are kept then.
    pub(super) fn choose_tokens(
        &self,
        grant: &Grant,
        role: LoginRole,
        held: &[StoredTokens],
    ) -> (SealedTokens, Vec<UserTokens>) {
        let is_reader = self.reader.account().as_ref() == Some(&grant.user.id);
        let of_login = |stored: &&StoredTokens| stored.owner != TokenOwner::Bot;
        let reads_chat = |stored: &&StoredTokens| {
            let opened = self.cipher.open(&stored.user, &stored.sealed);
            let wanted = LoginRole::StreamerAndReader.scopes();
            opened.is_ok_and(|tokens| wanted.iter().all(|scope| tokens.scopes.iter().any(|had| had == scope)))
        };
        if role == LoginRole::Streamer
            && is_reader
            && let Some(earlier) = held.iter().filter(of_login).find(reads_chat)
        {
            return (earlier.sealed.clone(), vec![grant.tokens.clone()]);
        }
        let becomes_bot = role == LoginRole::StreamerAndReader && is_reader;
        let replaced = held.iter().filter(|stored| of_login(stored) || becomes_bot);
        (self.cipher.seal(&grant.user.id, &grant.tokens), self.replaced(grant, replaced))
    }

    /// Returns the stored tokens that can be opened and that are not the new ones.
    pub(super) fn replaced<'a>(
        &self,
        grant: &Grant,
        stored: impl Iterator<Item = &'a StoredTokens>,
    ) -> Vec<UserTokens> {
        let opened = stored.filter_map(|stored| self.cipher.open(&stored.user, &stored.sealed).ok());
        opened.filter(|tokens| tokens.access != grant.tokens.access).collect()
    }

    /// Revokes tokens at Twitch. A failure is only logged: Twitch ends them by itself after a while.
    pub(super) async fn revoke_unused(&self, tokens: &[UserTokens]) {
        let revoking = async {
            for tokens in tokens {
                match self.revoke(tokens).await {
                    Ok(()) => {}
                    Err(error @ LoginError::Refused(_)) => {
                        debug!(%error, "tokens were no longer valid at Twitch");
                    }
                    Err(error) => {
                        warn!(%error, "failed to revoke tokens at Twitch that nobody uses any more");
                    }
                }
            }
        };
        if timeout(REVOKE_WITHIN, revoking).await.is_err() {
            warn!("failed to revoke tokens that nobody uses any more: Twitch did not answer in time");
        }
    }

    /// An access token that ran out cannot be revoked; the next one can.
    async fn revoke(&self, tokens: &UserTokens) -> Result<(), LoginError> {
        match (self.login.revoke(&tokens.access).await, &tokens.refresh) {
            (Err(LoginError::Refused(_)), Some(refresh)) => {
                let next = self.login.refresh(refresh).await?;
                self.login.revoke(&next.access).await
            }
            (revoked, _) => revoked,
        }
    }
}
