use async_trait::async_trait;
use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{KeptTokens, TokenRepository};
use chatpulse_domain::time::Timestamp;

use super::{Account, Database, Tables};

/// The tokens of [`super::FakeAccounts`].
pub struct FakeTokens(pub(super) Database);

#[async_trait]
impl TokenRepository for FakeTokens {
    async fn all(&self) -> Result<Vec<KeptTokens>, StoreError> {
        let tables = self.0.enter("read all tokens")?;
        Ok(tables.accounts.iter().filter_map(kept).collect())
    }

    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<KeptTokens>, StoreError> {
        let tables = self.0.enter("find tokens to check")?;
        let is_due = |account: &&Account| account.checked_at.is_none_or(|at| at < then);
        let mut due: Vec<&Account> = tables.accounts.iter().filter(is_due).collect();
        due.sort_by_key(|account| account.checked_at);
        Ok(due.into_iter().filter_map(kept).take(max).collect())
    }

    async fn renew(&self, old: &KeptTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError> {
        let mut tables = self.0.enter("renew a user's tokens")?;
        let Some(account) = tables.account(old.streamer).filter(|account| is_still(account, old)) else {
            return Ok(false);
        };
        (account.tokens, account.checked_at) = (Some(new.clone()), Some(at));
        Ok(true)
    }

    async fn forget(&self, old: &KeptTokens) -> Result<bool, StoreError> {
        let mut tables = self.0.enter("forget a user's tokens")?;
        Ok(forget(&mut tables, old))
    }

    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError> {
        let mut tables = self.0.enter("end a user's grant")?;
        let mut agreed_before = tables.accounts.iter().filter(|account| account.agreed_at <= at);
        let owned = agreed_before.find(|account| account.streamer.twitch_id == *user).and_then(kept);
        let is_forgotten = owned.is_some_and(|owned| forget(&mut tables, &owned));
        let bots = tables.bot_grants.len();
        tables.bot_grants.retain(|grant| grant.bot != *user || grant.granted_at > at);
        Ok(is_forgotten || tables.bot_grants.len() < bots)
    }
}

fn is_still(account: &Account, old: &KeptTokens) -> bool {
    account.tokens.as_ref() == Some(&old.sealed)
}

fn forget(tables: &mut Tables, old: &KeptTokens) -> bool {
    let Some(account) = tables.account(old.streamer).filter(|account| is_still(account, old)) else {
        return false;
    };
    account.tokens = None;
    tables.logins.retain(|login| login.streamer != old.streamer);
    true
}

fn kept(account: &Account) -> Option<KeptTokens> {
    let Account { streamer, tokens, .. } = account;
    let sealed = tokens.clone()?;
    Some(KeptTokens { streamer: streamer.id, user: streamer.twitch_id.clone(), sealed })
}
