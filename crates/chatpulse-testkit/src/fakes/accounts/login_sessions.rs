use async_trait::async_trait;
use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::time::Timestamp;

use super::Database;

/// The logins of [`super::FakeAccounts`].
pub struct FakeLoginSessions(pub(super) Database);

#[async_trait]
impl LoginSessions for FakeLoginSessions {
    async fn begin(&self, session: &LoginSession) -> Result<(), StoreError> {
        let mut tables = self.0.enter("begin a login")?;
        tables.logins.push(session.clone());
        Ok(())
    }

    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<StreamerId>, StoreError> {
        let tables = self.0.enter("find a login")?;
        let login = tables.logins.iter().find(|login| login.hash == hash);
        let alive = login.filter(|login| now < login.expires_at);
        Ok(alive.map(|login| login.streamer))
    }

    async fn end(&self, hash: LoginHash) -> Result<(), StoreError> {
        let mut tables = self.0.enter("end a login")?;
        tables.logins.retain(|login| login.hash != hash);
        Ok(())
    }

    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError> {
        let mut tables = self.0.enter("end all logins")?;
        tables.logins.retain(|login| login.streamer != streamer);
        Ok(())
    }

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tables = self.0.enter("delete expired logins")?;
        let before = tables.logins.len();
        tables.logins.retain(|login| now < login.expires_at);
        Ok((before - tables.logins.len()) as u64)
    }
}
