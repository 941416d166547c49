use async_trait::async_trait;
use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner, TokenRepository};
use chatpulse_domain::time::Timestamp;

use super::{Account, Bot, Database, Tables};

/// The tokens of [`super::FakeAccounts`].
pub struct FakeTokens(pub(super) Database);

#[async_trait]
impl TokenRepository for FakeTokens {
    async fn all(&self) -> Result<Vec<StoredTokens>, StoreError> {
        let mut tables = self.0.enter("read all tokens")?;
        Ok(kept(&mut tables).map(|(kept, _)| kept).collect())
    }

    async fn unchecked_since(&self, then: Timestamp, max: usize) -> Result<Vec<StoredTokens>, StoreError> {
        let mut tables = self.0.enter("find tokens to check")?;
        let mut due: Vec<_> = kept(&mut tables).filter(|(_, row)| row.1.is_none_or(|at| at < then)).collect();
        due.sort_by_key(|(_, row)| *row.1);
        Ok(due.into_iter().map(|(kept, _)| kept).take(max).collect())
    }

    async fn renew(&self, old: &StoredTokens, new: &SealedTokens, at: Timestamp) -> Result<bool, StoreError> {
        let mut tables = self.0.enter("renew a user's tokens")?;
        let row = kept(&mut tables).find(|(kept, _)| kept == old);
        Ok(row.map(|(_, row)| (*row.0, *row.1) = (Some(new.clone()), Some(at))).is_some())
    }

    async fn delete(&self, old: &StoredTokens) -> Result<bool, StoreError> {
        let mut tables = self.0.enter("delete a user's tokens")?;
        Ok(delete(&mut tables, old))
    }

    async fn end_grant(&self, user: &TwitchUserId, at: Timestamp) -> Result<bool, StoreError> {
        let mut tables = self.0.enter("end a user's grant")?;
        let mut agreed_before = tables.accounts.iter_mut().filter(|account| account.agreed_at <= at);
        let owned = agreed_before.find(|account| account.streamer.twitch_id == *user);
        let owned = owned.and_then(of_account).map(|(kept, _)| kept);
        let is_deleted = owned.is_some_and(|owned| delete(&mut tables, &owned));
        let bots = tables.bots.len();
        tables.bots.retain(|bot| bot.grant.bot != *user || bot.grant.granted_at > at);
        Ok(is_deleted || tables.bots.len() < bots)
    }
}

/// Tokens and when they were checked.
type Row<'a> = (&'a mut Option<SealedTokens>, &'a mut Option<Timestamp>);

/// All that are there, and where.
fn kept(tables: &mut Tables) -> impl Iterator<Item = (StoredTokens, Row<'_>)> {
    let accounts = tables.accounts.iter_mut().filter_map(of_account);
    accounts.chain(tables.bots.iter_mut().filter_map(of_bot))
}

fn of_account(account: &mut Account) -> Option<(StoredTokens, Row<'_>)> {
    let (owner, user) = (TokenOwner::Streamer(account.streamer.id), account.streamer.twitch_id.clone());
    let sealed = account.tokens.clone()?;
    Some((StoredTokens { owner, user, sealed }, (&mut account.tokens, &mut account.checked_at)))
}

fn of_bot(bot: &mut Bot) -> Option<(StoredTokens, Row<'_>)> {
    let (owner, user) = (TokenOwner::Bot, bot.grant.bot.clone());
    let sealed = bot.tokens.clone()?;
    Some((StoredTokens { owner, user, sealed }, (&mut bot.tokens, &mut bot.checked_at)))
}

fn delete(tables: &mut Tables, old: &StoredTokens) -> bool {
    let Some((_, row)) = kept(tables).find(|(kept, _)| kept == old) else {
        return false;
    };
    *row.0 = None;
    match old.owner {
        TokenOwner::Streamer(id) => tables.logins.retain(|login| login.streamer != id),
        TokenOwner::Bot => {}
    }
    // What agreed with these tokens has none of its own.
    tables.bots.retain(|bot| bot.grant.bot != old.user || bot.tokens.is_some());
    true
}
