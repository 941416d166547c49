//! What differs from the database is corrected: settings that were saved, addresses that were replaced.

use std::collections::HashMap;

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::overlay::{SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::signals::Signal;
use chatpulse_domain::session::SessionSeed;
use tracing::warn;

use super::Sessions;

/// Sessions that are compared with the database in one query.
pub(super) const COMPARED_AT_ONCE: usize = 500;

/// What one comparison of live sessions with the database found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DriftReport {
    /// Live sessions with older settings than the database.
    pub detected: u64,
    /// Of those, brought up to date.
    pub fixed: u64,
}

impl Sessions {
    /// The streamer saved, perhaps at another instance: our own copy is for when the stores are away.
    pub(crate) async fn refresh_settings(&self, overlay: OverlayId) {
        if self.served.get(overlay).is_none() {
            return;
        }
        match self.store.find_by_overlay(overlay).await {
            Ok(Some(session)) => self.note_settings(overlay, &session.settings).await,
            Ok(None) => {}
            Err(error) => {
                warn!(%error, "failed to look up saved settings; the next reconciliation finds them");
            }
        }
    }

    /// Signals were missed: compares what is open here with the database. A replaced address is closed, and newer
    /// settings are taken over.
    pub(crate) async fn review(&self) {
        for overlays in self.served.overlays().chunks(COMPARED_AT_ONCE) {
            match self.seeds(overlays).await {
                Ok(seeds) => {
                    for seed in &seeds {
                        self.note_settings(seed.overlay, &seed.settings).await;
                    }
                    for overlay in overlays.iter().filter(|overlay| is_missing(**overlay, &seeds)) {
                        self.signals.publish(Signal::OverlayRotated(*overlay));
                    }
                }
                Err(error) => {
                    return warn!(%error, "failed to compare open overlays with the database");
                }
            }
        }
    }

    /// Compares the sessions of all instances with the database, and corrects what differs. For one instance at a time.
    pub(crate) async fn reconcile(&self) -> DriftReport {
        let mut report = DriftReport::default();
        if let Err(error) = self.reconcile_all(&mut report).await {
            warn!(%error, "failed to compare all live sessions with the database; the next round tries again");
        }
        report
    }

    async fn reconcile_all(&self, report: &mut DriftReport) -> Result<(), StoreError> {
        let attached = self.store.attached().await?;
        for attached in attached.chunks(COMPARED_AT_ONCE) {
            let overlays: Vec<OverlayId> = attached.iter().map(|(overlay, _)| *overlay).collect();
            let seeds = self.seeds(&overlays).await?;
            for overlay in overlays.into_iter().filter(|overlay| is_missing(*overlay, &seeds)) {
                self.store.delete(overlay).await?;
                self.signals.publish(Signal::OverlayRotated(overlay));
            }
            let versions: HashMap<OverlayId, SettingsVersion> = attached.iter().copied().collect();
            for seed in seeds {
                if versions.get(&seed.overlay).is_some_and(|live| *live < seed.settings.version) {
                    report.detected += 1;
                    report.fixed += u64::from(self.bring_up_to_date(&seed).await?);
                }
            }
        }
        Ok(())
    }

    async fn bring_up_to_date(&self, seed: &SessionSeed) -> Result<bool, StoreError> {
        let overlay = seed.overlay;
        let fixed = self.store.put_settings(overlay, &seed.settings).await?;
        self.note_settings(overlay, &seed.settings).await;
        self.signals.publish(Signal::SettingsChanged { overlay, broadcaster: seed.broadcaster.clone() });
        Ok(fixed)
    }

    /// New settings of an overlay that is open here, kept for when the database is away.
    pub(crate) async fn note_settings(&self, overlay: OverlayId, settings: &VersionedSettings) {
        self.served.note_settings(overlay, settings).await;
    }

    /// All in one query; if one of them is malformed, each by itself, so that the others are read all the same.
    pub(super) async fn seeds(&self, overlays: &[OverlayId]) -> Result<Vec<SessionSeed>, StoreError> {
        match self.settings.seeds(overlays).await {
            Err(StoreError::Corrupt { .. }) if overlays.len() > 1 => {}
            seeds => return seeds,
        }
        let mut seeds = Vec::with_capacity(overlays.len());
        for overlay in overlays {
            match self.settings.seeds(&[*overlay]).await {
                Ok(found) => seeds.extend(found),
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(%error, "failed to read an overlay's settings");
                    // Malformed is not gone: it stays as it is.
                    seeds.extend(self.served.find_open(*overlay).await);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(seeds)
    }
}

/// An address without a seed is nobody's any more.
fn is_missing(overlay: OverlayId, seeds: &[SessionSeed]) -> bool {
    !seeds.iter().any(|seed| seed.overlay == overlay)
}
