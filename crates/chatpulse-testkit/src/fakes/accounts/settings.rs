use async_trait::async_trait;
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository};
use chatpulse_domain::session::SessionSeed;

use super::Database;

/// The settings of [`super::FakeAccounts`].
pub struct FakeSettings(pub(super) Database);

#[async_trait]
impl SettingsRepository for FakeSettings {
    async fn find(&self, streamer: StreamerId) -> Result<Option<VersionedSettings>, StoreError> {
        let mut tables = self.0.enter("find settings")?;
        Ok(tables.account(streamer).map(|account| account.settings.clone()))
    }

    async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError> {
        let tables = self.0.enter("find what overlays are made from")?;
        let asked = tables.accounts.iter().filter(|account| overlays.contains(&account.streamer.overlay));
        let seeds = asked.map(|account| SessionSeed {
            overlay: account.streamer.overlay,
            broadcaster: account.streamer.twitch_id.clone(),
            settings: account.settings.clone(),
        });
        Ok(seeds.collect())
    }

    async fn save(
        &self,
        streamer: StreamerId,
        settings: &OverlaySettings,
        based_on: Option<SettingsVersion>,
    ) -> Result<SaveOutcome, StoreError> {
        let mut tables = self.0.enter("save settings")?;
        let Some(account) = tables.account(streamer) else {
            return Ok(SaveOutcome::NoStreamer);
        };
        let stored = account.settings.version;
        if based_on.is_some_and(|base| base < stored) {
            return Ok(SaveOutcome::Stale);
        }
        let version = SettingsVersion(stored.0 + 1);
        account.settings = VersionedSettings { settings: settings.clone(), version };
        Ok(SaveOutcome::Saved(version))
    }
}
