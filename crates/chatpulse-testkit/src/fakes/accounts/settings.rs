use async_trait::async_trait;
use chatpulse_domain::command::PauseChange;
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::overlay::{OverlaySettings, PauseState, SettingsVersion, VersionedSettings};
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
            broadcaster: account.streamer.channel(),
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
        if based_on.is_some_and(|base| base < account.edited) {
            return Ok(SaveOutcome::Stale(account.settings.clone()));
        }
        let version = SettingsVersion(account.settings.version.0 + 1);
        let pause_state =
            if settings.mod_commands { account.settings.pause_state } else { PauseState::default() };
        account.settings = VersionedSettings { settings: settings.clone(), pause_state, version };
        account.edited = version;
        Ok(SaveOutcome::Saved(account.settings.clone()))
    }

    async fn change_pause(
        &self,
        streamer: StreamerId,
        change: PauseChange,
    ) -> Result<Option<VersionedSettings>, StoreError> {
        let mut tables = self.0.enter("pause or hide an overlay")?;
        Ok(tables.account(streamer).map(|account| {
            let state = &mut account.settings.pause_state;
            state.paused = change.paused.unwrap_or(state.paused);
            state.hidden = change.hidden.unwrap_or(state.hidden);
            account.settings.version.0 += 1;
            account.settings.clone()
        }))
    }
}
