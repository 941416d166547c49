use async_trait::async_trait;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::ports::app_token::AppTokenRepository;
use chatpulse_domain::ports::error::StoreError;

use super::Database;

/// The application's token of [`super::FakeAccounts`].
pub struct FakeAppToken(pub(super) Database);

#[async_trait]
impl AppTokenRepository for FakeAppToken {
    async fn find(&self) -> Result<Option<SealedTokens>, StoreError> {
        Ok(self.0.enter("find the application's token")?.app_token.clone())
    }

    async fn replace(&self, old: Option<&SealedTokens>, new: &SealedTokens) -> Result<bool, StoreError> {
        let kept = &mut self.0.enter("replace the application's token")?.app_token;
        let is_old = kept.as_ref() == old;
        if is_old {
            *kept = Some(new.clone());
        }
        Ok(is_old)
    }
}
