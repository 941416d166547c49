//! Issued codes, access tokens and refresh tokens, with owner and expiry.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::config::Limits;
use crate::ids::Ids;

/// Scope names, sorted as Twitch returns them.
pub(crate) type Scopes = BTreeSet<String>;

/// The owner of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    App,
    User(String),
}

/// An issued access token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) client_id: String,
    pub(crate) owner: Owner,
    pub(crate) scopes: Scopes,
    /// The authorization that issued it; `None` for an app token.
    authorization: Option<u64>,
    expires: Instant,
}

impl Token {
    /// Returns the remaining lifetime in seconds.
    pub(crate) fn expires_in(&self) -> u64 {
        self.expires.saturating_duration_since(Instant::now()).as_secs()
    }
}

/// An authorization code: the consent page returns it to the browser, and the application exchanges it.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    pub(crate) scopes: Scopes,
    pub(crate) redirect_uri: String,
    expires: Instant,
}

#[derive(Debug, Clone)]
struct Refresh {
    client_id: String,
    user_id: String,
    scopes: Scopes,
    authorization: u64,
    state: RefreshState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefreshState {
    Valid,
    /// Replaced by a newer token, or revoked.
    Spent,
    /// The user disconnected the application.
    Disconnected,
}

/// Why a refresh token was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshRefused {
    Unknown,
    Disconnected,
}

/// The tokens issued by an exchange or a refresh.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) scopes: Scopes,
}

/// All issued codes and tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    codes: HashMap<String, Code>,
    access: HashMap<String, Token>,
    refresh: HashMap<String, Refresh>,
    /// Number of exchanged codes. Each is an authorization with tokens of its own.
    authorizations: u64,
    /// Access tokens that the application revoked, oldest first.
    revoked: Vec<String>,
}

impl Tokens {
    pub(crate) fn issue_code(
        &mut self,
        ids: &mut Ids,
        lifetime: Duration,
        client_id: &str,
        grant: (&str, Scopes),
        uri: &str,
    ) -> String {
        let code = ids.token();
        let (user_id, scopes) = grant;
        let expires = Instant::now() + lifetime;
        let entry = Code {
            client_id: client_id.to_owned(),
            user_id: user_id.to_owned(),
            scopes,
            redirect_uri: uri.to_owned(),
            expires,
        };
        self.codes.insert(code.clone(), entry);
        code
    }

    /// Exchanges a code, which works once and only for the application that it was issued to.
    pub(crate) fn redeem_code(&mut self, code: &str, client_id: &str) -> Option<Code> {
        let code = self.codes.remove(code)?;
        (code.expires > Instant::now() && code.client_id == client_id).then_some(code)
    }

    pub(crate) fn issue_app(&mut self, ids: &mut Ids, limits: &Limits, client_id: &str) -> String {
        self.insert_access(ids, client_id, (Owner::App, None), Scopes::new(), limits.app_token_lifetime)
    }

    /// Issues a new access token and refresh token for a new authorization.
    pub(crate) fn issue_user(
        &mut self,
        ids: &mut Ids,
        limits: &Limits,
        client_id: &str,
        user_id: &str,
        scopes: Scopes,
    ) -> Issued {
        self.authorizations += 1;
        self.issue_pair(ids, limits, client_id, (user_id, self.authorizations), scopes)
    }

    fn issue_pair(
        &mut self,
        ids: &mut Ids,
        limits: &Limits,
        client_id: &str,
        (user_id, authorization): (&str, u64),
        scopes: Scopes,
    ) -> Issued {
        let refresh_token = ids.refresh_token();
        let entry = Refresh {
            client_id: client_id.to_owned(),
            user_id: user_id.to_owned(),
            scopes: scopes.clone(),
            authorization,
            state: RefreshState::Valid,
        };
        self.refresh.insert(refresh_token.clone(), entry);
        let owner = (Owner::User(user_id.to_owned()), Some(authorization));
        let access_token =
            self.insert_access(ids, client_id, owner, scopes.clone(), limits.user_token_lifetime);
        Issued { access_token, refresh_token, scopes }
    }

    /// Issues a new access token for a refresh token, and replaces the refresh token if the limits say so.
    pub(crate) fn refresh(
        &mut self,
        ids: &mut Ids,
        limits: &Limits,
        client_id: &str,
        old: &str,
    ) -> Result<Issued, RefreshRefused> {
        let entry = self.refresh.get_mut(old).filter(|entry| entry.client_id == client_id);
        let entry = entry.ok_or(RefreshRefused::Unknown)?;
        match entry.state {
            RefreshState::Valid => {}
            RefreshState::Spent => return Err(RefreshRefused::Unknown),
            RefreshState::Disconnected => return Err(RefreshRefused::Disconnected),
        }
        let (user_id, scopes) = (entry.user_id.clone(), entry.scopes.clone());
        let authorization = entry.authorization;
        if limits.rotate_refresh_tokens {
            entry.state = RefreshState::Spent;
            return Ok(self.issue_pair(ids, limits, client_id, (&user_id, authorization), scopes));
        }
        let owner = (Owner::User(user_id), Some(authorization));
        let access_token =
            self.insert_access(ids, client_id, owner, scopes.clone(), limits.user_token_lifetime);
        Ok(Issued { access_token, refresh_token: old.to_owned(), scopes })
    }

    /// Returns the token if it is valid.
    pub(crate) fn valid(&self, token: &str) -> Option<&Token> {
        self.access.get(token).filter(|token| token.expires > Instant::now())
    }

    /// Returns the number of valid app tokens.
    pub(crate) fn count_app(&self) -> usize {
        let is_valid = |token: &&Token| token.owner == Owner::App && token.expires > Instant::now();
        self.access.values().filter(is_valid).count()
    }

    /// Revokes one access token, with its refresh token. Returns it if it was valid.
    pub(crate) fn revoke(&mut self, token: &str) -> Option<Token> {
        let revoked = self.access.remove(token).filter(|token| token.expires > Instant::now())?;
        self.revoked.push(token.to_owned());
        if let Some(authorization) = revoked.authorization {
            self.access.retain(|_, token| token.authorization != Some(authorization));
            let its = self.refresh.values_mut().filter(|refresh| refresh.authorization == authorization);
            its.for_each(|refresh| refresh.state = RefreshState::Spent);
        }
        Some(revoked)
    }

    /// Returns the access tokens that the application revoked, oldest first.
    pub(crate) fn revoked(&self) -> &[String] {
        &self.revoked
    }

    /// Returns whether the user has another authorization with a valid token.
    pub(crate) fn has_any(&self, user_id: &str) -> bool {
        let refreshable =
            |refresh: &Refresh| refresh.user_id == user_id && refresh.state == RefreshState::Valid;
        let is_users = |token: &Token| matches!(&token.owner, Owner::User(id) if id == user_id);
        let now = Instant::now();
        self.refresh.values().any(refreshable)
            || self.access.values().any(|token| is_users(token) && token.expires > now)
    }

    /// Expires every access token whose owner matches `which`.
    pub(crate) fn expire(&mut self, which: impl Fn(&Owner) -> bool) {
        self.access.retain(|_, token| !which(&token.owner));
    }

    /// Revokes all tokens of a user who disconnected.
    pub(crate) fn disconnect(&mut self, user_id: &str) {
        self.expire(|owner| matches!(owner, Owner::User(id) if id == user_id));
        let mine = self.refresh.values_mut().filter(|refresh| refresh.user_id == user_id);
        mine.for_each(|refresh| refresh.state = RefreshState::Disconnected);
    }

    /// Deletes every refresh token, so that each is answered with 400.
    pub(crate) fn forget_refresh_tokens(&mut self) {
        self.refresh.clear();
    }

    fn insert_access(
        &mut self,
        ids: &mut Ids,
        client_id: &str,
        (owner, authorization): (Owner, Option<u64>),
        scopes: Scopes,
        lifetime: Duration,
    ) -> String {
        let access_token = ids.token();
        let expires = Instant::now() + lifetime;
        let token = Token { client_id: client_id.to_owned(), owner, scopes, authorization, expires };
        self.access.insert(access_token.clone(), token);
        access_token
    }
}
