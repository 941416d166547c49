//! Who may log in: the operator's rule, with the claims that earlier logins made.

use std::sync::Arc;

use chatpulse_domain::access::{Access, Claimed, Fingerprint, Verdict, is_claimed};
use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_claims::LoginClaims;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::streamer::Streamer;

use crate::Ports;

/// Admits streamers.
pub struct Admission {
    access: Access,
    claims: Arc<dyn LoginClaims>,
    logins: Arc<dyn LoginSessions>,
    streamers: Arc<dyn StreamerRepository>,
    clock: Arc<dyn Clock>,
}

impl Admission {
    pub(crate) fn new(ports: &Ports, access: Access) -> Self {
        Self {
            access,
            claims: Arc::clone(&ports.login_claims),
            logins: Arc::clone(&ports.login_sessions),
            streamers: Arc::clone(&ports.streamers),
            clock: Arc::clone(&ports.clock),
        }
    }

    /// Whether this account, which is called `login` at the moment, may log in. The first login claims the server and the
    /// listed name.
    pub(crate) async fn admit(&self, user: &TwitchUserId, login: &str) -> Result<bool, StoreError> {
        let claims = self.claims.all().await?;
        let is_allowed = match self.access.verdict(user, login, &claims) {
            Verdict::Allowed => true,
            Verdict::IfItClaims(on) => self.claim(&on, user).await?,
            Verdict::Refused => false,
        };
        // Whoever is first stays first, whatever the operator's rule becomes.
        if is_allowed && !is_claimed(&Claimed::Server, &claims) {
            self.claim(&Claimed::Server, user).await?;
        }
        Ok(is_allowed)
    }

    /// Whether the account holds the claim now.
    async fn claim(&self, on: &Claimed, user: &TwitchUserId) -> Result<bool, StoreError> {
        let user = Fingerprint::of_account(user);
        Ok(self.claims.claim(on.into(), user).await? == user)
    }

    /// Whether nobody but this account may log in.
    pub(crate) async fn admits_only(&self, user: &TwitchUserId) -> Result<bool, StoreError> {
        if self.access == Access::Everybody {
            return Ok(false);
        }
        Ok(self.access.admits_only(user, &self.claims.all().await?))
    }

    /// Applies the rule at the start: ends the logins of streamers who may not log in any more, and returns whose ended.
    pub async fn apply(&self) -> Result<Vec<Streamer>, StoreError> {
        // Accounts of an earlier version have claimed nothing yet.
        if let Some(first) = self.streamers.first().await?
            && !is_claimed(&Claimed::Server, &self.claims.all().await?)
        {
            self.claim(&Claimed::Server, &first.twitch_id).await?;
        }
        let mut ended = Vec::new();
        if self.access == Access::Everybody {
            return Ok(ended);
        }
        for id in self.logins.streamers(self.clock.now()).await? {
            let Some(streamer) = self.streamers.find(id).await? else { continue };
            if !self.admit(&streamer.twitch_id, &streamer.login).await? {
                self.logins.end_all(id).await?;
                ended.push(streamer);
            }
        }
        Ok(ended)
    }
}
